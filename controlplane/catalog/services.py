"""Cloning a template into the tenant's n8n, and taking it away again."""

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.catalog.choices import unknown_choices
from controlplane.catalog.models import Installation, Release, ReleaseUnknown
from controlplane.catalog.parameters import ParametersInvalid, filled
from controlplane.catalog.places import differs
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from controlplane.events.services import forget_installation
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from tenants.context import current_tenant
from tenants.keys import revoke_keys_of


class ReleaseNotOffered(DomainError):
    code = "release_not_offered"
    status = 409
    title = "The release is not offered"


class AlreadyInstalled(DomainError):
    code = "template_installed"
    status = 409
    title = "The template is installed already"


class InstallationUnknown(DomainError):
    code = "installation_unknown"
    status = 404
    title = "No such installation"


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


def only_listener(event_type: str) -> Installation | None:
    """The active installation that such events start; None where there is none, or several."""
    active = list(Installation.objects.filter(status=Installation.Status.ACTIVE))
    releases = Release.objects.in_bulk({each.release_id for each in active})
    heard = [
        each
        for each in active
        if each.release_id in releases and event_type in releases[each.release_id].terms.events
    ]
    return heard[0] if len(heard) == 1 else None


@transaction.atomic
def install(
    *, release_id: uuid.UUID, parameters: dict[str, Any], by: Actor, is_trial: bool = False
) -> Installation:
    """Note the installation and have it deployed.

    Once for each template: a second would be started by the same events and act on the same orders.
    A sandbox also takes drafts, and what is offered no longer, and so does a place that is made
    for trying the cases (`is_trial`). Raises ReleaseUnknown,
    ReleaseNotOffered, ParametersInvalid, AlreadyInstalled.
    """
    release = get_release(release_id)
    is_offered = release.status == Release.Status.LIVE or is_trial
    if not (is_offered or current_tenant().is_sandbox):
        raise ReleaseNotOffered(
            f"“{release}” is {release.get_status_display().lower()}. Only a live release can be "
            "installed; a sandbox takes any."
        )
    installation = Installation(
        template_slug=release.template.slug,
        template_title=release.template.title,
        release_id=release.pk,
        release_version=release.version,
        parameters=chosen_values(release, parameters),
        installed_by=by.label,
    )
    try:
        with transaction.atomic():
            installation.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyInstalled(
            f"“{release.template}” is installed already. Open that installation to change its "
            "values, or remove it there before you clone the template anew."
        ) from error
    enqueue_on_commit("catalog.deploy", installation_id=str(installation.pk))
    _note("installation.requested", installation, by)
    return installation


@transaction.atomic
def retry(*, installation_id: uuid.UUID, by: Actor) -> Installation:
    """Deploy again what failed, or what a worker left lying; it goes on where it stopped.

    Raises InstallationUnknown.
    """
    installation = _held(installation_id)
    if installation.may_be_retried(at=timezone.now()):
        installation.status = Installation.Status.PENDING
        installation.save(update_fields=["status", "updated_at"])
        enqueue_on_commit("catalog.deploy", installation_id=str(installation.pk))
        _note("installation.retried", installation, by)
    return installation


@transaction.atomic
def change_parameters(
    *, installation_id: uuid.UUID, parameters: dict[str, Any], by: Actor
) -> Installation:
    """New values, read by the next run. n8n is touched only where one stands in the workflow.

    Raises InstallationUnknown, ParametersInvalid, also for one that is not to be changed later.
    """
    installation = _held(installation_id)
    before, release = installation.parameters, installation.release()
    installation.parameters = chosen_values(release, parameters)
    if errors := [
        FieldError(spec.name, "cannot be changed once the template is installed")
        for spec in release.terms.parameters
        if not spec.changeable
        and spec.name in before
        and installation.parameters.get(spec.name) != before[spec.name]
    ]:
        named = ", ".join(error.field for error in errors)
        raise ParametersInvalid(f"{named} stays as it was cloned.", errors=tuple(errors))
    installation.save(update_fields=["parameters", "updated_at"])
    written = installation.parameters_written
    if installation.workflow_id and differs(release.terms, written, installation.parameters):
        enqueue_on_commit("catalog.write_parameters", installation_id=str(installation.pk))
    _note("installation.parameters_changed", installation, by, before=before)
    return installation


def chosen_values(release: Release, parameters: dict[str, Any]) -> dict[str, Any]:
    """Checked, and what names a row of the tenant's found. Raises ParametersInvalid."""
    values = filled(release.terms, parameters)
    if errors := unknown_choices(release.terms, values):
        named = "; ".join(f"{error.field} {error.message}" for error in errors)
        raise ParametersInvalid(f"Correct and send again: {named}.", errors=tuple(errors))
    return values


def uninstall(*, installation_id: uuid.UUID, by: Actor) -> Installation:
    """Take workflow, credential and key away; waits for a deployment that is under way.

    Done again without harm. Raises InstallationUnknown, NoWorkspace, InstanceError.
    """
    with alone(*lock_of(installation_id)):
        installation = get_installation(installation_id)
        if installation.status == Installation.Status.REMOVED:
            return installation
        with client_for(Workspace.current()) as n8n:
            if installation.workflow_id:
                n8n.delete_workflow(installation.workflow_id)
            if installation.credential_id:
                n8n.delete_credential(installation.credential_id)
        revoke_keys_of(installation_id=installation.pk, by=by)
        with transaction.atomic():
            forget_installation(installation.pk)
            installation.status = Installation.Status.REMOVED
            installation.save(update_fields=["status", "updated_at"])
            _note("installation.removed", installation, by)
    return installation


def uninstall_all(by: Actor) -> None:
    """For a tenant that goes. Raises InstanceError: what is left can be taken away again."""
    for installation in Installation.objects.present():
        if installation.workflow_id or installation.credential_id:
            uninstall(installation_id=installation.pk, by=by)


def lock_of(installation_id: uuid.UUID) -> tuple[str, str]:
    """For `core.locks.alone`: one deployment or removal of an installation at a time."""
    return "catalog.installation", str(installation_id)


def _held(installation_id: uuid.UUID) -> Installation:
    """Its row, locked until the commit. Raises InstallationUnknown."""
    get_installation(installation_id)
    return Installation.objects.select_for_update().get(pk=installation_id)


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
