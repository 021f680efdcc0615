"""Tickets, the examples that triage learns from, and the models that were made of them."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row


class Urgency(models.TextChoices):
    """In this order, each more urgent than the one before."""

    LOW = "low", _("Low")
    NORMAL = "normal", _("Normal")
    HIGH = "high", _("High")
    CRITICAL = "critical", _("Critical")


class TicketQuerySet(models.QuerySet["Ticket"]):
    def with_status(self, status: str) -> Self:
        return self.filter(status=status)

    def recent(self) -> Self:
        return self.order_by("-received_at", "-id")

    def waiting_for_people(self) -> Self:
        """Handed over and not closed yet; a test waits for nobody."""
        return self.filter(status="handed_over", is_test=False)


class Ticket(Row):
    """One question of one requester, how it was sorted, and what became of it.

    `author_id`, `author`: the member who wrote it down in the portal, where one did.

    `answer_id` is the answer that was sent; `replied_at` when that was settled, `sent_at` when the
    mail server took it. `triage` holds why: alternatives, the strongest words, what raised the
    urgency.
    """

    class Channel(models.TextChoices):
        PORTAL = "portal", _("Portal")
        FORM = "form", _("Form")
        API = "api", "API"
        WEBHOOK = "webhook", "Webhook"
        DEMO = "demo", "Demo"

    class Status(models.TextChoices):
        NEW = "new", _("New")
        TRIAGED = "triaged", _("Triaged")
        WAITING = "waiting", _("Waits for a person")
        ANSWERED = "answered", _("Answered")
        HANDED_OVER = "handed_over", _("Handed over")
        CLOSED = "closed", _("Closed")

    class Mail(models.TextChoices):
        NONE = "", "—"
        QUEUED = "queued", _("On its way")
        SENDING = "sending", _("Being handed to the mail server")
        SENT = "sent", _("Sent")
        UNCLEAR = "unclear", _("Unclear whether it was sent")
        FAILED = "failed", _("Refused by the mail server")
        WITHHELD = "withheld", _("A test: sent to nobody")

    serial = models.PositiveIntegerField()
    number = models.CharField(max_length=20)
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.API)
    source_slug = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    requester_name = models.CharField(max_length=200, blank=True)
    requester_email = models.CharField(max_length=254)
    author_id = models.CharField(max_length=80, blank=True, db_default="")
    author = models.CharField(max_length=200, blank=True, db_default="")
    received_at = models.DateTimeField(default=timezone.now)
    is_test = models.BooleanField(default=False)
    event_id = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.NEW)

    intent = models.CharField(max_length=60, blank=True)
    intent_confidence = models.FloatField(null=True, blank=True)
    is_confident = models.BooleanField(default=False)
    urgency = models.CharField(max_length=10, choices=Urgency, blank=True)
    urgency_confidence = models.FloatField(null=True, blank=True)
    language = models.CharField(max_length=10, blank=True)
    language_confidence = models.FloatField(null=True, blank=True)
    triage = models.JSONField(default=dict, blank=True)
    triage_model = models.CharField(max_length=80, blank=True)
    triaged_at = models.DateTimeField(null=True, blank=True)
    corrected_at = models.DateTimeField(null=True, blank=True)
    corrected_by = models.CharField(max_length=200, blank=True)

    answer_id = models.UUIDField(null=True, blank=True)
    reply_text = models.TextField(blank=True)
    replied_at = models.DateTimeField(null=True, blank=True)
    reply_sequence = models.BigIntegerField(null=True, blank=True)
    mail = models.CharField(max_length=10, choices=Mail, blank=True, default=Mail.NONE)
    mail_problem = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    queue = models.CharField(max_length=60, blank=True)
    reason = models.TextField(blank=True)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    hand_over_sequence = models.BigIntegerField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    classified = Classification(
        health=(
            "serial number channel source_slug external_id received_at is_test event_id status "
            "intent intent_confidence is_confident urgency urgency_confidence language "
            "language_confidence triage_model triaged_at corrected_at corrected_by answer_id "
            "replied_at reply_sequence mail sent_at queue handed_over_at hand_over_sequence "
            "closed_at author_id author"
        ),
        payload="subject body requester_name requester_email triage reply_text mail_problem reason",
    )

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        constraints = [
            models.UniqueConstraint(fields=["serial"], name="ticket_serial_unique"),
            models.UniqueConstraint(
                fields=["channel", "source_slug", "external_id"],
                condition=~Q(external_id=""),
                name="ticket_once_per_source",
            ),
            models.CheckConstraint(
                name="ticket_reply_is_whole",
                condition=Q(replied_at__isnull=True, answer_id__isnull=True, mail="")
                | Q(replied_at__isnull=False, answer_id__isnull=False) & ~Q(mail=""),
            ),
            models.CheckConstraint(
                name="ticket_sent_has_a_time",
                condition=Q(mail="sent") ^ Q(sent_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-received_at"], name="ticket_status"),
            models.Index(fields=["-received_at"], name="ticket_received"),
            models.Index(fields=["event_id"], name="ticket_event"),
            models.Index(Upper("requester_email"), name="ticket_requester_email"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def text(self) -> str:
        """What triage and retrieval read."""
        return "\n".join(part for part in (self.subject, self.body) if part)

    @property
    def is_finished(self) -> bool:
        """No answer of Pergola's own may follow."""
        return self.status in {self.Status.ANSWERED, self.Status.HANDED_OVER, self.Status.CLOSED}


class TriageExample(Row):
    """A text, and how a person would sort it. Blank urgency: the example says nothing about it."""

    class Origin(models.TextChoices):
        STARTER = "starter", _("Comes with Pergola")
        IMPORT = "import", _("Imported")
        CORRECTION = "correction", _("Correction")

    text = models.TextField()
    intent = models.CharField(max_length=60)
    urgency = models.CharField(max_length=10, choices=Urgency, blank=True)
    language = models.CharField(max_length=10, blank=True)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.IMPORT)
    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, null=True, blank=True, related_name="examples"
    )

    classified = Classification(health="intent urgency language origin ticket", payload="text")

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("triage example")
        verbose_name_plural = _("triage examples")
        constraints = [
            models.UniqueConstraint(
                fields=["ticket"],
                condition=Q(ticket__isnull=False),
                name="triage_example_once_per_ticket",
            )
        ]
        indexes = [models.Index(fields=["origin", "intent"], name="triage_example_origin")]

    def __str__(self) -> str:
        return f"{self.intent}: {self.text[:60]}"


class TriageModel(Row):
    """A model that the tenant's examples made. Its file lies with the tenant's files.

    `accuracy` and `ece` (expected calibration error) are those of held-out folds; `fingerprint`
    is of the examples and of the code's recipe: the same again need not be trained again.
    """

    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    trained_at = models.DateTimeField(default=timezone.now)
    seconds = models.FloatField(default=0)
    examples = models.PositiveIntegerField()
    corrections = models.PositiveIntegerField(default=0)
    accuracy = models.FloatField()
    ece = models.FloatField()
    threshold = models.FloatField()
    features = models.CharField(max_length=60, blank=True)

    classified = Classification(
        health=(
            "number sha256 fingerprint trained_at seconds examples corrections accuracy ece "
            "threshold features"
        ),
    )

    class Meta:
        ordering = ["-number"]
        verbose_name = _("triage model")
        verbose_name_plural = _("triage models")
        constraints = [models.UniqueConstraint(fields=["number"], name="triage_model_number")]

    def __str__(self) -> str:
        return f"triage model {self.number}"
