"""Upgrades of an installation, and the copies that are the way back: the tenant's own rows."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.catalog.models.installations import STALLED_AFTER, Installation
from controlplane.core.classification import Classification
from controlplane.core.models import Row


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
