"""Templates and their releases (shared), and what a tenant installed of them (the tenant's own)."""

import hashlib
import json
import uuid
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.catalog.manifest import Manifest
from controlplane.core.classification import Classification
from controlplane.core.models import Row
from tenants.models import Partner

# A step of a deployment takes seconds, its time-outs and repetitions included a minute.
STALLED_AFTER = timedelta(minutes=5)


class TemplateQuerySet(models.QuerySet["Template"]):
    def offered(self) -> Self:
        """That have a release which may be installed."""
        live = Release.objects.filter(template=OuterRef("pk"), status=Release.Status.LIVE)
        return self.filter(Exists(live))


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
        live = [each for each in self.releases.all() if each.status == Release.Status.LIVE]
        return max(live, key=lambda release: release.ordered_version, default=None)


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


class CaseRun(Row):
    """A release's cases, carried out in a real n8n: what was expected, and what came of it.

    It counts for the release as it was then, which is what `digest` says. `results` is a list of
    dicts of name, title, passed, expected, actual, calls, outcome, seconds and error.
    """

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="case_runs")
    digest = models.CharField(max_length=64)
    n8n_version = models.CharField(max_length=20, blank=True)
    passed = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    results = models.JSONField()
    ran_by = models.CharField(max_length=200)
    ran_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-ran_at"]
        indexes = [models.Index(fields=["release", "-ran_at"], name="case_run_by_release")]

    def __str__(self) -> str:
        return f"{self.release}: {self.passed} passed, {self.failed} failed"


class InstallationQuerySet(models.QuerySet["Installation"]):
    def present(self) -> Self:
        return self.exclude(status=Installation.Status.REMOVED)


class Installation(Row):
    """A release at work in this tenant's n8n: its parameters, and the workflow as last seen there.

    The row stands before n8n is called, since activation calls back. `credential_id` and
    `workflow_id` are filled as deployment goes on, so that a rerun goes on where it stopped.
    `parameters_written` are the values that Pergola put into the workflow, where any stand there;
    `cases_ran` is the last dry run in a sandbox: its state, when, and a result for each case.
    `workflow_seen` is the workflow as n8n had it at `seen_at`; `resolutions` is what people decided
    about conflicts, as dicts of `workflow.conflicts.Resolution`, for this upgrade and later ones.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting to be deployed")
        DEPLOYING = "deploying", _("Being deployed")
        ACTIVE = "active", _("Active")
        FAILED = "failed", _("Deployment failed")
        REMOVED = "removed", _("Removed")

    template_slug = models.CharField(max_length=60)
    template_title = models.CharField(max_length=120)
    release_id = models.UUIDField()
    release_version = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict)
    parameters_written = models.JSONField(default=dict, db_default={})
    cases_ran = models.JSONField(default=dict, blank=True, db_default={})
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    credential_id = models.CharField(max_length=64, blank=True)
    workflow_id = models.CharField(max_length=64, blank=True)
    workflow_name = models.CharField(max_length=128, blank=True)
    workflow_seen = models.JSONField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    resolutions = models.JSONField(default=list, db_default=[], blank=True)
    last_error = models.TextField(blank=True)
    installed_at = models.DateTimeField(default=timezone.now)
    installed_by = models.CharField(max_length=200)

    classified = Classification(
        health=(
            "template_slug template_title release_id release_version parameters "
            "parameters_written cases_ran status credential_id workflow_id workflow_name "
            "workflow_seen seen_at resolutions last_error installed_at installed_by"
        ),
    )

    objects = InstallationQuerySet.as_manager()

    class Meta:
        ordering = ["-installed_at"]
        constraints = [
            models.CheckConstraint(
                name="active_installation_has_workflow",
                condition=~Q(status="active") | ~Q(workflow_id=""),
            ),
            models.UniqueConstraint(
                fields=["template_slug"],
                condition=~Q(status="removed"),
                name="installation_once_per_template",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template_title} {self.release_version}"

    def may_be_retried(self, *, at: datetime) -> bool:
        """Whether its deployment failed, or was left lying: a worker died, a message was lost."""
        if self.status in {self.Status.PENDING, self.Status.DEPLOYING}:
            return at - self.updated_at > STALLED_AFTER
        return self.status == self.Status.FAILED

    def release(self) -> Release:
        return Release.objects.select_related("template").get(pk=self.release_id)

    @property
    def credential_name(self) -> str:
        return f"Pergola {self.template_slug} {short_id(self.pk)}"


class Snapshot(Row):
    """An installation's workflow as n8n had it, kept before something was written over it.

    `workflow` is what n8n takes back: no pinned data, nothing of n8n's own. With it stand release
    and values of that moment.
    """

    class Why(models.TextChoices):
        UPGRADE = "upgrade", _("Before an upgrade")
        RESTORE = "restore", _("Before a version was restored")
        PARAMETERS = "parameters", _("Before new values were written")
        GONE = "gone", _("It was deleted in n8n")

    installation = models.ForeignKey(
        Installation, on_delete=models.CASCADE, related_name="snapshots"
    )
    why = models.CharField(max_length=10, choices=Why)
    workflow = models.JSONField()
    workflow_hash = models.CharField(max_length=64)
    n8n_version_id = models.CharField(max_length=64, blank=True)
    release_id = models.UUIDField()
    release_version = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict)
    parameters_written = models.JSONField(default=dict)
    taken_at = models.DateTimeField(default=timezone.now)
    taken_by = models.CharField(max_length=200)

    classified = Classification(
        health=(
            "installation why workflow workflow_hash n8n_version_id release_id release_version "
            "parameters parameters_written taken_at taken_by"
        ),
    )

    class Meta:
        ordering = ["-taken_at"]
        indexes = [models.Index(fields=["installation", "-taken_at"], name="snapshot_by_time")]

    def __str__(self) -> str:
        return f"{self.release_version}, {self.taken_at:%Y-%m-%d %H:%M}"


class UpgradeQuerySet(models.QuerySet["Upgrade"]):
    def under_way(self) -> Self:
        return self.filter(status__in=Upgrade.UNDER_WAY)


class Upgrade(Row):
    """A new release, or an earlier snapshot (`target`), on its way into n8n; a worker does it.

    `seen_mark` tells the workflow as it was when somebody looked, and `expected_hash` what is to be
    in n8n afterwards: both let a rerun know where one stopped. `parameters` are the values that
    were given along, `values` all that stand in what is written; `conflicts` those that were open,
    as dicts of key and text.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting for a worker")
        RUNNING = "running", _("Under way")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")

    class Step(models.TextChoices):
        READ = "read", _("The workflow is read from n8n")
        KEPT = "kept", _("A copy of it is kept")
        WRITTEN = "written", _("The new one is put into n8n")
        CHECKED = "checked", _("What n8n has now is compared")

    UNDER_WAY = (Status.WAITING, Status.RUNNING)

    installation = models.ForeignKey(
        Installation, on_delete=models.CASCADE, related_name="upgrades"
    )
    target = models.ForeignKey(
        Snapshot, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    before = models.ForeignKey(
        Snapshot, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    step = models.CharField(max_length=10, choices=Step, blank=True)
    is_restore = models.BooleanField(default=False)
    from_release_id = models.UUIDField()
    from_version = models.CharField(max_length=20)
    to_release_id = models.UUIDField()
    to_version = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict)
    values = models.JSONField(default=dict)
    resolutions = models.JSONField(default=list)
    conflicts = models.JSONField(default=list)
    seen_version_id = models.CharField(max_length=64, blank=True)
    seen_mark = models.CharField(max_length=64, blank=True)
    expected_hash = models.CharField(max_length=64, blank=True)
    was_active = models.BooleanField(default=True)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    asked_by = models.CharField(max_length=200)
    ended_at = models.DateTimeField(null=True, blank=True)

    classified = Classification(
        health=(
            "installation target before status step is_restore from_release_id from_version "
            "to_release_id to_version parameters values resolutions conflicts seen_version_id "
            "seen_mark expected_hash was_active attempts error asked_by ended_at"
        ),
    )

    objects = UpgradeQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["installation"],
                condition=Q(status__in=["waiting", "running"]),
                name="one_upgrade_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=["installation", "-created_at"], name="upgrade_by_time")]

    def __str__(self) -> str:
        return f"{self.installation.template_title} {self.from_version} → {self.to_version}"

    @property
    def is_under_way(self) -> bool:
        return self.status in self.UNDER_WAY

    @property
    def percent_done(self) -> int:
        if self.status == self.Status.DONE:
            return 100
        return 20 * (self.Step.values.index(self.step) + 1) if self.step else 5

    def may_be_retried(self, *, at: datetime) -> bool:
        """Whether it failed, or was left lying by a worker that died."""
        if self.is_under_way:
            return at - self.updated_at > STALLED_AFTER
        return self.status == self.Status.FAILED


def credential_ids() -> set[str]:
    """Of all credentials that were made in n8n for the tenant that is entered."""
    ids = Installation.objects.exclude(credential_id="").values_list("credential_id", flat=True)
    return set(ids)


def short_id(value: uuid.UUID) -> str:
    """The end of a UUIDv7, which differs where its beginning is the time."""
    return value.hex[-8:]
