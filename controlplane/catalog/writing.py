"""Putting new values into a workflow in which parameters stand; what was edited in n8n stays."""

import uuid

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.catalog.models import Installation, Snapshot
from controlplane.catalog.places import exchanged
from controlplane.catalog.services import get_installation, lock_of
from controlplane.catalog.upgrades.sides import seen_in
from controlplane.catalog.upgrades.snapshots import take_snapshot
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for

log = get_logger(__name__)


def write_parameters(installation_id: uuid.UUID) -> Installation:
    """Exchange the values that Pergola wrote for those of now, and publish the workflow again.

    A place where something else stands was edited, and is left alone. What fails, and what was
    left, stands in `last_error`; saving the parameters again tries again. Called in no transaction.
    """
    with alone(*lock_of(installation_id)):
        installation = get_installation(installation_id)
        if installation.status != Installation.Status.ACTIVE:
            return installation
        try:
            _write(installation)
        except DomainError as error:
            log.warning("installation.not_written", installation_id=str(installation.pk))
            installation.last_error = f"The new values are not in the workflow yet: {error.detail}"
            installation.save(update_fields=["last_error", "updated_at"])
    return installation


def _write(installation: Installation) -> None:
    release = installation.release()
    with client_for(Workspace.current()) as n8n:
        seen = n8n.get_workflow(installation.workflow_id)
        workflow, left = exchanged(
            seen.raw,
            release.workflow,
            release.terms,
            before=installation.parameters_written,
            after=installation.parameters,
        )
        if workflow != seen.raw:
            take_snapshot(
                installation,
                seen_in(seen),
                why=Snapshot.Why.PARAMETERS,
                by=system("deploy").label,
            )
            seen = n8n.update_workflow(installation.workflow_id, workflow)
    edited = sorted({use.node or "the settings" for use in left})
    with transaction.atomic():
        installation.workflow_seen, installation.seen_at = seen.raw, timezone.now()
        installation.parameters_written = installation.parameters
        installation.last_error = (
            f"{', '.join(edited)}: edited in n8n, so the new value was not put there. "
            "Change it in the editor."
            if edited
            else ""
        )
        installation.save(
            update_fields=[
                "workflow_seen",
                "seen_at",
                "parameters_written",
                "last_error",
                "updated_at",
            ]
        )
        record(
            action="installation.parameters_written",
            subject_type="installation",
            subject_id=str(installation.pk),
            data={"workflow_id": installation.workflow_id, "left_alone": edited},
            by=system("deploy"),
        )
