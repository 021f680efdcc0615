"""Templates and their releases (shared), and what a tenant installed of them (the tenant's own)."""

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.catalog.manifest import Manifest
from controlplane.core.classification import Classification
from controlplane.core.models import Row

# A step of a deployment takes seconds, its time-outs and repetitions included a minute.
STALLED_AFTER = timedelta(minutes=5)


class Template(Row):
    """A workflow that partners clone; `slug` is its folder in workflow-templates/."""

    slug = models.CharField(max_length=60)
    title = models.CharField(max_length=120)
    summary = models.TextField()

    class Meta:
        ordering = ["title"]
        constraints = [models.UniqueConstraint(fields=["slug"], name="template_slug_unique")]

    def __str__(self) -> str:
        return self.title

    @property
    def latest(self) -> "Release | None":
        return self.releases.order_by("-released_at").first()


class Release(Row):
    """One version of a template. Never changed once loaded: an installation builds on it."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="releases")
    version = models.CharField(max_length=20)
    manifest = models.JSONField()
    workflow = models.JSONField()
    workflow_hash = models.CharField(max_length=64)
    readme = models.TextField(blank=True)
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


class InstallationQuerySet(models.QuerySet["Installation"]):
    def present(self) -> Self:
        return self.exclude(status=Installation.Status.REMOVED)


class Installation(Row):
    """A release at work in this tenant's n8n: its parameters, and the workflow as last seen there.

    The row stands before n8n is called, since activation calls back. `credential_id` and
    `workflow_id` are filled as deployment goes on, so that a rerun goes on where it stopped.
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
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    credential_id = models.CharField(max_length=64, blank=True)
    workflow_id = models.CharField(max_length=64, blank=True)
    workflow_name = models.CharField(max_length=128, blank=True)
    workflow_seen = models.JSONField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    installed_at = models.DateTimeField(default=timezone.now)
    installed_by = models.CharField(max_length=200)

    classified = Classification(
        health=(
            "template_slug template_title release_id release_version parameters status "
            "credential_id workflow_id workflow_name workflow_seen last_error installed_at "
            "installed_by"
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


def credential_ids() -> set[str]:
    """Of all credentials that were made in n8n for the tenant that is entered."""
    ids = Installation.objects.exclude(credential_id="").values_list("credential_id", flat=True)
    return set(ids)


def short_id(value: uuid.UUID) -> str:
    """The end of a UUIDv7, which differs where its beginning is the time."""
    return value.hex[-8:]
