"""Cloning a template into the tenant's n8n, and taking it away again."""

import uuid
from typing import Any

from django.db import transaction

from controlplane.audit.services import record
from controlplane.catalog.models import Installation, Release, Template
from controlplane.catalog.parameters import filled
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from tenants.keys import revoke_keys_of


class ReleaseUnknown(DomainError):
    code = "release_unknown"
    status = 404
    title = "No such release"


class InstallationUnknown(DomainError):
    code = "installation_unknown"
    status = 404
    title = "No such installation"


def list_templates() -> list[Template]:
    """What can be cloned, each with its releases."""
    return list(Template.objects.prefetch_related("releases").all())


def get_release(release_id: uuid.UUID) -> Release:
    """Raises ReleaseUnknown."""
    try:
        return Release.objects.select_related("template").get(pk=release_id)
    except Release.DoesNotExist:
        raise ReleaseUnknown(
            f"There is no release {release_id}. Choose a template from the list again."
        ) from None


def get_installation(installation_id: uuid.UUID) -> Installation:
    """Raises InstallationUnknown."""
    try:
        return Installation.objects.get(pk=installation_id)
    except Installation.DoesNotExist:
        raise InstallationUnknown(f"This tenant has no installation {installation_id}.") from None


@transaction.atomic
def install(*, release_id: uuid.UUID, parameters: dict[str, Any], by: Actor) -> Installation:
    """Note the installation and have it deployed. Raises ReleaseUnknown, ParametersInvalid."""
    release = get_release(release_id)
    installation = Installation.objects.create(
        template_slug=release.template.slug,
        template_title=release.template.title,
        release_id=release.pk,
        release_version=release.version,
        parameters=filled(release.terms, parameters),
        installed_by=by.label,
    )
    enqueue_on_commit("catalog.deploy", installation_id=str(installation.pk))
    _note("installation.requested", installation, by)
    return installation


@transaction.atomic
def retry(*, installation_id: uuid.UUID, by: Actor) -> Installation:
    """Deploy again what failed; it goes on where it stopped."""
    installation = get_installation(installation_id)
    if installation.status == Installation.Status.FAILED:
        installation.status = Installation.Status.PENDING
        installation.save(update_fields=["status", "updated_at"])
        enqueue_on_commit("catalog.deploy", installation_id=str(installation.pk))
        _note("installation.retried", installation, by)
    return installation


@transaction.atomic
def change_parameters(
    *, installation_id: uuid.UUID, parameters: dict[str, Any], by: Actor
) -> Installation:
    """New values, read by the next run; n8n is not touched. Raises ParametersInvalid."""
    installation = get_installation(installation_id)
    before = installation.parameters
    installation.parameters = filled(installation.release().terms, parameters)
    installation.save(update_fields=["parameters", "updated_at"])
    _note("installation.parameters_changed", installation, by, before=before)
    return installation


def uninstall(*, installation_id: uuid.UUID, by: Actor) -> Installation:
    """Take workflow, credential and key away. Done again without harm. Raises InstanceError."""
    installation = get_installation(installation_id)
    with client_for(Workspace.current()) as n8n:
        if installation.workflow_id:
            n8n.delete_workflow(installation.workflow_id)
        if installation.credential_id:
            n8n.delete_credential(installation.credential_id)
    revoke_keys_of(installation.pk)
    with transaction.atomic():
        installation.status = Installation.Status.REMOVED
        installation.save(update_fields=["status", "updated_at"])
        _note("installation.removed", installation, by)
    return installation


def _note(action: str, installation: Installation, by: Actor, **data: Any) -> None:
    record(
        action=action,
        subject_type="installation",
        subject_id=str(installation.pk),
        data={
            "template": installation.template_slug,
            "version": installation.release_version,
            "parameters": installation.parameters,
            **data,
        },
        by=by,
    )
