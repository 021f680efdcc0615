"""Installations of a tenant that was restored: kept where they still run, else deployed anew."""

from django.db import transaction

from controlplane.audit.services import record
from controlplane.catalog.models import Installation, Release
from controlplane.catalog.services import retry
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.events.services import unsubscribe_installation
from controlplane.instances.client.errors import NotFound
from controlplane.instances.models import NoWorkspace, Workspace
from controlplane.instances.services import client_for
from tenants.context import inside
from tenants.keys import has_key, revoke_keys_of
from tenants.models import Tenant


class ReleaseMissing(DomainError):
    code = "release_missing"
    status = 409
    title = "A release is missing"


def deploy_again(tenant: Tenant, by: Actor) -> None:
    """Each installation whose workflow is no longer there gets a new one, with a new key.

    One that n8n still has, and whose key came along, goes on as it was. Raises ReleaseMissing for
    those whose template was not loaded here, after the others.
    """
    missing = []
    with inside(tenant):
        for installation in Installation.objects.present():
            release = Release.objects.filter(
                template__slug=installation.template_slug, version=installation.release_version
            ).first()
            if release is None:
                missing.append(str(installation))
                _wait_for_retry(installation, "Its template is not loaded here.", by)
            elif not _still_runs(installation):
                installation.release_id = release.pk
                _wait_for_retry(installation, "Restored from a backup.", by)
                _note(installation, by)
                retry(installation_id=installation.pk, by=by)
    if missing:
        raise ReleaseMissing(
            f"{', '.join(missing)}: load the templates (`manage.py load_templates`) and press "
            "“Try again” at the installation."
        )


def _still_runs(installation: Installation) -> bool:
    """Raises InstanceError where n8n does not answer; nothing was changed then."""
    if not (installation.workflow_id and has_key(installation.pk)):
        return False
    try:
        with client_for(Workspace.current()) as n8n:
            n8n.get_workflow(installation.workflow_id)
    except (NoWorkspace, NotFound):
        return False
    return True


@transaction.atomic
def _wait_for_retry(installation: Installation, why: str, by: Actor) -> None:
    revoke_keys_of(installation_id=installation.pk, by=by)
    unsubscribe_installation(installation.pk)
    installation.status, installation.last_error = Installation.Status.FAILED, why
    installation.workflow_id = installation.credential_id = ""
    installation.save()


def _note(installation: Installation, by: Actor) -> None:
    record(
        action="installation.restored",
        subject_type="installation",
        subject_id=str(installation.pk),
        data={"template": installation.template_slug, "version": installation.release_version},
        by=by,
    )
