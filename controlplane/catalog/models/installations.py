"""What a tenant installed of the templates: its own rows."""

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.catalog.models.templates import Release, ReleaseUnknown
from controlplane.core.classification import Classification
from controlplane.core.models import Row

# A step of a deployment takes seconds, its time-outs and repetitions included a minute.
STALLED_AFTER = timedelta(minutes=5)


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
        """Raises ReleaseUnknown, as for a draft that was discarded meanwhile."""
        try:
            return Release.objects.select_related("template").get(pk=self.release_id)
        except Release.DoesNotExist:
            raise ReleaseUnknown(
                f"The release of “{self}” is not there any more. Remove it from n8n, and clone "
                "the template anew."
            ) from None

    @property
    def credential_name(self) -> str:
        return f"Pergola {self.template_slug} {short_id(self.pk)}"


def credential_ids() -> set[str]:
    """Of all credentials that were made in n8n for the tenant that is entered."""
    ids = Installation.objects.exclude(credential_id="").values_list("credential_id", flat=True)
    return set(ids)


def short_id(value: uuid.UUID) -> str:
    """The end of a UUIDv7, which differs where its beginning is the time."""
    return value.hex[-8:]
