"""Templates, their releases, and what came of the cases of one: shared rows."""

import hashlib
import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.catalog.manifest import Manifest
from controlplane.core.errors import DomainError
from controlplane.core.models import Row
from tenants.models import Partner, Tenant

LOST_AFTER = timedelta(minutes=15)
"""A case ends long before: what has told nothing for so long has no worker any more."""


class ReleaseUnknown(DomainError):
    code = "release_unknown"
    status = 404
    title = "No such release"


class TemplateQuerySet(models.QuerySet["Template"]):
    def offered(self, *, drafts_of: Collection[Partner] = ()) -> Self:
        """That have a release which may be installed; of these partners a draft will do."""
        releases = Release.objects.filter(template=OuterRef("pk"))
        live = Exists(releases.filter(status=Release.Status.LIVE))
        if not drafts_of:
            return self.filter(live)
        draft = Exists(releases.filter(status=Release.Status.DRAFT))
        return self.filter(live | Q(draft, owner__in=drafts_of))


class Template(Row):
    """A workflow that partners clone; the platform's `slug` is its folder in workflow-templates/.

    One with an `owner` is seen by the tenants that this partner serves, and by nobody else: the
    database keeps its rows, and its releases, from every other tenant's role.
    """

    slug = models.CharField(max_length=60)
    title = models.CharField(max_length=120)
    summary = models.TextField()
    owner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="templates"
    )

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["title"]
        constraints = [models.UniqueConstraint(fields=["slug"], name="template_slug_unique")]

    def __str__(self) -> str:
        return self.title

    @property
    def latest(self) -> "Release | None":
        """The highest version that is live; asks nothing where `releases` is prefetched."""
        return self._highest(Release.Status.LIVE)

    def newest(self, *, drafts_of: Collection[Partner] = ()) -> "Release | None":
        """`latest`, or a draft that is higher where its owner is one of these partners."""
        if self.owner_id is not None and self.owner_id in {each.pk for each in drafts_of}:
            return self._highest(Release.Status.LIVE, Release.Status.DRAFT)
        return self.latest

    def told_of(self, *, up_to: "Release") -> list["Release"]:
        """The versions of which somebody said what is new, from `up_to` down."""
        found = [
            each
            for each in self.releases.defer("workflow", "manifest", "cases", "case_files")
            if each.notes
            and (each.status != Release.Status.DRAFT or each.pk == up_to.pk)
            and each.ordered_version <= up_to.ordered_version
        ]
        return sorted(found, key=lambda release: release.ordered_version, reverse=True)

    def _highest(self, *statuses: str) -> "Release | None":
        found = [each for each in self.releases.all() if each.status in statuses]
        return max(found, key=lambda release: release.ordered_version, default=None)


class Release(Row):
    """One version of a template. Only a draft changes: an installation builds on what was live.

    `steps` says who took it from one status to the next, as dicts of status, by, note and at.
    `cases` are those of `cases/`, by name; `case_files` the documents beside them, in base64.
    `findings` is what an import said: what was removed, what it needs and what it cannot carry.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        LIVE = "live", _("Live")
        DEPRECATED = "deprecated", _("Deprecated")

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="releases")
    version = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=Status, default=Status.LIVE, db_default="live")
    steps = models.JSONField(default=list, db_default=[])
    manifest = models.JSONField()
    workflow = models.JSONField()
    workflow_hash = models.CharField(max_length=64)
    readme = models.TextField(blank=True)
    notes = models.TextField(blank=True, default="", db_default="")
    author = models.CharField(max_length=200, blank=True, default="", db_default="")
    cases = models.JSONField(default=dict, db_default={})
    case_files = models.JSONField(default=dict, db_default={})
    findings = models.JSONField(default=dict, db_default={})
    released_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-released_at"]
        constraints = [
            models.UniqueConstraint(fields=["template", "version"], name="release_version_unique")
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.version}"

    @property
    def terms(self) -> Manifest:
        return Manifest.model_validate(self.manifest)

    @property
    def ordered_version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("."))

    @property
    def digest(self) -> str:
        """Of all that its cases try: another one says that they have to be tried again."""
        tried = [self.workflow_hash, self.manifest, self.cases, self.case_files]
        # Not RFC 8785: an order's number may be greater than JavaScript's numbers go.
        text = json.dumps(tried, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def before(self) -> "Release | None":
        """The one that it follows by version."""
        lower = [
            each
            for each in self.template.releases.all()
            if each.ordered_version < self.ordered_version
        ]
        return max(lower, key=lambda release: release.ordered_version, default=None)

    def note_step(self, status: str, *, by: str, note: str) -> None:
        self.status = status
        step = {"status": status, "by": by, "note": note, "at": timezone.now().isoformat()}
        self.steps = [*self.steps, step]
        self.save(update_fields=["status", "steps", "released_at", "updated_at"])


class CaseRunQuerySet(models.QuerySet["CaseRun"]):
    def ended(self) -> Self:
        """What came to an end counts, well or not; what broke off does not."""
        return self.filter(status=CaseRun.Status.ENDED)

    def under_way(self, *, at: datetime) -> Self:
        return self.filter(status=CaseRun.Status.RUNNING, updated_at__gt=at - LOST_AFTER)

    def lost(self, *, at: datetime) -> Self:
        return self.filter(status=CaseRun.Status.RUNNING, updated_at__lte=at - LOST_AFTER)


class CaseRun(Row):
    """A release's cases, carried out in a real n8n: what was expected, and what came of it.

    It counts for the release as it was then, which is what `digest` says. `results` is a list of
    dicts of name, title, passed, expected, actual, calls, outcome, seconds and error, so
    far. `sandbox` is where somebody had them run, None elsewhere; `error` says why it broke off.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        ENDED = "ended", _("Ended")
        BROKEN = "broken", _("Broken off")

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="case_runs")
    digest = models.CharField(max_length=64)
    n8n_version = models.CharField(max_length=20, blank=True)
    passed = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    results = models.JSONField()
    ran_by = models.CharField(max_length=200)
    ran_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(
        max_length=7, choices=Status, default=Status.ENDED, db_default=Status.ENDED.value
    )
    sandbox = models.ForeignKey(
        Tenant, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    error = models.TextField(blank=True, default="", db_default="")

    objects = CaseRunQuerySet.as_manager()

    class Meta:
        ordering = ["-ran_at"]
        indexes = [models.Index(fields=["release", "-ran_at"], name="case_run_by_release")]

    def __str__(self) -> str:
        return f"{self.release}: {self.passed} passed, {self.failed} failed"

    def is_under_way(self, *, at: datetime) -> bool:
        return self.status == self.Status.RUNNING and self.updated_at > at - LOST_AFTER
