"""What a tenant knows: collections of documents, their versions, and the passages of each.

Nothing is searched before a person has approved it, and what once was approved is never changed:
a change is a new version, so that an answer's citation can be looked up years later.
"""

from typing import Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row

is_a_language = RegexValidator(r"^[a-z]{2}$", _("Use the two letters of ISO 639-1: en, de."))


class CollectionQuerySet(models.QuerySet["Collection"]):
    def active(self) -> Self:
        return self.filter(is_active=True)


class Collection(Row):
    """Documents of one language about one thing. Its language says how words are stemmed."""

    slug = models.SlugField(max_length=60, db_index=False)
    name = models.CharField(max_length=120)
    language = models.CharField(
        max_length=2,
        default="en",
        validators=[is_a_language],
        help_text=_("ISO 639-1, for example en or de."),
    )
    is_active = models.BooleanField(
        default=True, help_text=_("Nothing is found in an inactive collection.")
    )

    classified = Classification(health="slug name language is_active")

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="knowledge_collection_slug_unique")
        ]

    def __str__(self) -> str:
        return self.name


class DocumentQuerySet(models.QuerySet["Document"]):
    def current(self) -> Self:
        """Those that were not retired."""
        return self.filter(retired_at__isnull=True)

    def recent(self) -> Self:
        return self.order_by("-created_at", "-id")


class Document(Row):
    """One source of knowledge. `source_url` is where people read it; citations lead there."""

    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="documents")
    title = models.CharField(max_length=300)
    filename = models.CharField(max_length=255, blank=True)
    source_url = models.CharField(max_length=2000, blank=True)
    tags = models.JSONField(default=list, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    classified = Classification(
        health="collection retired_at",
        payload="title filename source_url tags",
    )

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["title", "id"]
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        indexes = [
            models.Index(fields=["collection", "-created_at"], name="knowledge_document_new")
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def approved_version(self) -> "DocumentVersion | None":
        """The one that is searched."""
        return self.versions.approved().first()

    @property
    def newest_version(self) -> "DocumentVersion | None":
        return self.versions.order_by("-number").first()


class DocumentVersionQuerySet(models.QuerySet["DocumentVersion"]):
    def approved(self) -> Self:
        return self.filter(status=DocumentVersion.Status.APPROVED)

    def searchable(self) -> Self:
        """What may be found and cited at this moment."""
        return self.approved().filter(
            document__retired_at__isnull=True, document__collection__is_active=True
        )


class DocumentVersion(Row):
    """The document as it was uploaded once. `text` is what the spans of its chunks count in."""

    class Kind(models.TextChoices):
        MARKDOWN = "markdown", _("Markdown")
        HTML = "html", _("HTML")
        TEXT = "text", _("Text")
        PDF = "pdf", _("PDF")
        FAQ = "faq", _("Questions and answers")

    class Status(models.TextChoices):
        READING = "reading", _("Being read")
        DRAFT = "draft", _("Waits for approval")
        APPROVED = "approved", _("Approved")
        RETIRED = "retired", _("Retired")
        FAILED = "failed", _("Could not be read")

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    text = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.READING)
    failure_code = models.CharField(max_length=60, blank=True)
    failure = models.CharField(max_length=500, blank=True)
    notes = models.JSONField(
        default=list, blank=True, help_text=_("What was left out while reading, and why.")
    )
    created_by = models.CharField(max_length=200)
    approved_by = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    classified = Classification(
        health=(
            "document number kind sha256 size status failure_code created_by approved_by "
            "approved_at retired_at"
        ),
        payload="text failure notes",
    )

    objects = DocumentVersionQuerySet.as_manager()

    class Meta:
        ordering = ["document", "-number"]
        verbose_name = _("document version")
        verbose_name_plural = _("document versions")
        constraints = [
            models.UniqueConstraint(
                fields=["document", "number"], name="knowledge_version_number_unique"
            ),
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(status="approved"),
                name="knowledge_one_approved_version",
            ),
            models.CheckConstraint(
                name="knowledge_approval_is_whole",
                condition=Q(approved_at__isnull=True, approved_by="")
                | (Q(approved_at__isnull=False) & ~Q(approved_by="")),
            ),
            models.CheckConstraint(
                name="knowledge_approved_has_approval",
                condition=~Q(status="approved") | Q(approved_at__isnull=False),
            ),
            models.CheckConstraint(
                name="knowledge_failed_has_reason",
                condition=~Q(status="failed") | ~Q(failure_code=""),
            ),
        ]
        indexes = [models.Index(fields=["status", "-created_at"], name="knowledge_version_status")]

    def __str__(self) -> str:
        return f"{self.document} v{self.number}"

    @property
    def is_readable(self) -> bool:
        """Whether there is text to look at."""
        return self.status not in {self.Status.READING, self.Status.FAILED}


class Chunk(Row):
    """A passage: `version.text[start:end] == text`, in characters. Never changed.

    `heading` is what the passage stands under; of a question with its answer, the question.
    """

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="chunks")
    position = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    heading = models.TextField(blank=True)
    text = models.TextField()
    length = models.PositiveIntegerField(help_text=_("In words."))

    classified = Classification(health="version position start end length", payload="heading text")

    class Meta:
        ordering = ["version", "position"]
        verbose_name = _("passage")
        verbose_name_plural = _("passages")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "position"], name="knowledge_chunk_position_unique"
            ),
            models.CheckConstraint(
                name="knowledge_chunk_span_is_forward", condition=Q(start__lt=F("end"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} § {self.position}"


class IndexedChunk(Row):
    """A chunk that PostgreSQL searches: only those of approved versions have such a row.

    Written by `index.postgres` alone. `length` counts its terms, heading and text, as the text
    search configuration `config` makes them.
    """

    chunk = models.OneToOneField(Chunk, on_delete=models.CASCADE, related_name="indexed")
    document_id = models.UUIDField()
    version_id = models.UUIDField()
    collection = models.CharField(max_length=60)
    config = models.CharField(max_length=40)
    length = models.PositiveIntegerField()

    classified = Classification(health="chunk document_id version_id collection config length")

    class Meta:
        verbose_name = _("indexed passage")
        verbose_name_plural = _("indexed passages")
        indexes = [
            models.Index(fields=["config"], include=["length"], name="knowledge_indexed_length"),
            models.Index(fields=["version_id"], name="knowledge_indexed_version"),
        ]

    def __str__(self) -> str:
        return str(self.chunk_id)


class Posting(models.Model):
    """How often a term stands in a chunk. Document frequencies are counted when asked for, so
    they never go stale.

    One row per term and chunk, thousands for a document: neither a UUID of its own nor times.
    """

    pk = models.CompositePrimaryKey("chunk_id", "term")
    chunk = models.ForeignKey(
        Chunk, on_delete=models.CASCADE, related_name="postings", db_index=False
    )
    term = models.TextField()
    config = models.CharField(max_length=40)
    frequency = models.PositiveSmallIntegerField()
    length = models.PositiveIntegerField(
        help_text=_("The chunk's, so that ranking reads one index only.")
    )

    classified = Classification(health="pk chunk config frequency length", payload="term")

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        indexes = [
            models.Index(
                fields=["config", "term"],
                include=["chunk", "frequency", "length"],
                name="knowledge_posting_covering",
            )
        ]

    def __str__(self) -> str:
        return f"{self.term} ({self.config})"


# Kept beside what makes it; here so that Django finds it, and everybody else.
from controlplane.knowledge.answers.models import Answer  # noqa: E402

__all__ = [
    "Answer", "Chunk", "Collection", "Document", "DocumentVersion", "IndexedChunk", "Posting",
]  # fmt: skip
