"""Deploying an installation to the tenant's n8n; a rerun goes on where one stopped."""

import re
import uuid

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.catalog.models import Installation, Release, short_id
from controlplane.catalog.places import with_values
from controlplane.catalog.services import get_installation, lock_of
from controlplane.catalog.workflow import CREDENTIAL, for_tenant, handles_errors
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from controlplane.instances.client import N8nClient
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from tenants.context import current_tenant
from tenants.environments.marks import marked_name
from tenants.keys import issue_key, revoke_keys_of

WAIT_ACTIVE_SECONDS = 20.0

log = get_logger(__name__)


class N8nTooOld(DomainError):
    code = "n8n_too_old"
    status = 409
    title = "The tenant's n8n is too old for this template"


def deploy(installation_id: uuid.UUID) -> Installation:
    """Credential, workflow, activation. A failure is kept on the row for people to read.

    Called in no transaction: each step is kept before the next begins.
    """
    with alone(*lock_of(installation_id)):
        installation = get_installation(installation_id)
        if installation.status in {Installation.Status.ACTIVE, Installation.Status.REMOVED}:
            return installation
        _save(installation, status=Installation.Status.DEPLOYING, last_error="")
        try:
            workspace = Workspace.current()
            require_version(workspace, installation.release())
            with client_for(workspace) as n8n:
                _deploy(installation, installation.release(), workspace, n8n)
        except DomainError as error:
            log.warning(
                "installation.failed", installation_id=str(installation.pk), why=error.detail
            )
            _save(installation, status=Installation.Status.FAILED, last_error=error.detail)
        except Exception as error:
            _save(
                installation,
                status=Installation.Status.FAILED,
                last_error=f"Pergola stopped with {type(error).__name__}. Try again; if it stays "
                "so, the worker's log says more.",
            )
            raise
    return installation


def require_version(workspace: Workspace, release: Release) -> None:
    """Raises N8nTooOld. An n8n that does not tell its version is taken at its word."""
    minimum = release.terms.n8n_minimum
    if workspace.n8n_version and _ordered(workspace.n8n_version) < _ordered(minimum):
        raise N8nTooOld(
            f"“{release}” needs n8n {minimum} and the tenant's is {workspace.n8n_version}. Update "
            "n8n, have the platform's operator check the instance's health, and try again."
        )


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def ensure_credential(
    installation: Installation, release: Release, workspace: Workspace, n8n: N8nClient
) -> str:
    """The key and the credential that holds it, where the release needs one; returns its name."""
    credential_name = workspace.workflow_name(marked_name(installation.credential_name))
    if not installation.credential_id and release.terms.scopes:
        # A key of an earlier try that never reached n8n would stay valid for nobody.
        by = system("deploy")
        revoke_keys_of(installation_id=installation.pk, by=by)
        _key, text = issue_key(
            tenant=current_tenant(),
            name=f"{installation} {short_id(installation.pk)}",
            scopes=release.terms.scopes,
            installation_id=installation.pk,
            by=by,
        )
        credential = n8n.create_credential(
            name=credential_name,
            type=CREDENTIAL,
            data={"baseUrl": settings.INTERNAL_URL, "apiKey": text},
        )
        _save(installation, credential_id=credential.id)
    return credential_name


def _deploy(
    installation: Installation, release: Release, workspace: Workspace, n8n: N8nClient
) -> None:
    credential_name = ensure_credential(installation, release, workspace, n8n)
    if not installation.workflow_id:
        name = workspace.workflow_name(
            marked_name(f"{release.template.title} ({short_id(installation.pk)})")
        )
        # An earlier try may have made it and died before it could note the id.
        earlier = n8n.list_workflows(name_prefix=name)
        workflow = (
            earlier[0]
            if earlier
            else n8n.create_workflow(
                for_tenant(
                    with_values(release.workflow, release.terms, installation.parameters),
                    name=name,
                    credential_id=installation.credential_id,
                    credential_name=credential_name,
                )
            )
        )
        _save(
            installation,
            workflow_id=workflow.id,
            workflow_name=name,
            parameters_written=installation.parameters,
        )
    if workspace.tag:
        n8n.tag_workflow(installation.workflow_id, workspace.tag)
    seen = n8n.activate_workflow(installation.workflow_id, wait=longest_wait(release))
    with transaction.atomic():
        _save(
            installation,
            status=Installation.Status.ACTIVE,
            workflow_seen=seen.raw,
            seen_at=timezone.now(),
        )
        record(
            action="installation.activated",
            subject_type="installation",
            subject_id=str(installation.pk),
            data={"workflow_id": installation.workflow_id, "hash": release.workflow_hash},
            by=system("deploy"),
        )
    log.info("installation.active", installation_id=str(installation.pk))


def longest_wait(release: Release) -> float:
    """Seconds for n8n to have its triggers at work; it counts no Error Trigger among them."""
    is_counted = bool(release.terms.events) or not handles_errors(release.workflow)
    return WAIT_ACTIVE_SECONDS if is_counted else 0


def _save(installation: Installation, **changes: object) -> None:
    for name, value in changes.items():
        setattr(installation, name, value)
    installation.save(update_fields=[*changes, "updated_at"])
