"""What a tenant changed in n8n since its release, and looking there now and then."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.catalog.models import STALLED_AFTER, Installation, Upgrade
from controlplane.catalog.services import get_installation
from controlplane.catalog.upgrades.planning import sentences
from controlplane.catalog.upgrades.sides import (
    WorkflowArchived,
    WorkflowGone,
    deployed,
    gone,
    look_at,
    release_of,
)
from controlplane.catalog.upgrades.snapshots import keep_last_seen
from controlplane.core.actor import Actor, system
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.events.services import unsubscribe_installation
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.reading import read_one
from controlplane.workflow.shapes import Json
from tenants.context import inside
from tenants.models import Tenant

LOOK_EVERY = timedelta(hours=6)
AT_ONCE = 20
MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class Drift:
    """`changes` in sentences, from `base`, the release as it was deployed, to `now`, sound both.

    `now` is of `looked_at`, when n8n was last asked.
    """

    changes: list[str]
    is_edited: bool
    is_active: bool
    is_published: bool
    looked_at: datetime | None
    base: Json
    now: Json


def drift_of(installation: Installation, translate: Callable[[str], str] = str) -> Drift | None:
    """From the workflow as it was last seen; None where there is nothing to compare."""
    release = release_of(installation.release_id)
    if release is None or not installation.workflow_seen:
        return None
    raw = installation.workflow_seen
    try:
        base, now = deployed(installation, release), read_one(raw).workflow
    except DomainError:
        return None
    published = raw.get("activeVersionId") or ""
    return Drift(
        changes=sentences(base, now, translate),
        is_edited=workflow_hash(base) != workflow_hash(now),
        is_active=bool(raw.get("active")),
        is_published=published in ("", raw.get("versionId")),
        looked_at=installation.seen_at,
        base=base,
        now=now,
    )


def look(*, installation_id: uuid.UUID) -> Installation:
    """Read the workflow from n8n and keep it as last seen.

    Whatever is written meanwhile counts, and not what was read before. One that was deleted there
    is noted as such. Raises InstallationUnknown, WorkflowGone, WorkflowArchived, InstanceError.
    """
    installation = get_installation(installation_id)
    if installation.status != Installation.Status.ACTIVE:
        return installation
    try:
        with client_for(Workspace.current(), tries=1) as n8n:
            seen = look_at(installation, n8n)
    except WorkflowGone:
        note_gone(installation)
        raise
    Installation.objects.filter(pk=installation.pk, updated_at=installation.updated_at).update(
        workflow_seen=seen.found.raw, seen_at=timezone.now()
    )
    installation.refresh_from_db()
    return installation


@transaction.atomic
def note_gone(installation: Installation) -> None:
    """It waits for somebody to restore it, or to have it made anew; the last seen copy is kept."""
    held = Installation.objects.select_for_update().get(pk=installation.pk)
    if held.status != Installation.Status.ACTIVE or held.workflow_id != installation.workflow_id:
        return
    by = system("n8n")
    keep_last_seen(held, by=by.label)
    unsubscribe_installation(held.pk)
    record(
        action="installation.workflow_gone",
        subject_type="installation",
        subject_id=str(held.pk),
        data={"workflow_id": held.workflow_id, "template": held.template_slug},
        by=by,
    )
    held.status, held.last_error, held.workflow_id = (
        Installation.Status.FAILED, gone(held).detail, "",
    )  # fmt: skip
    held.save(update_fields=["status", "last_error", "workflow_id", "updated_at"])
    installation.refresh_from_db()


def look_quietly(installation_id: uuid.UUID) -> None:
    """For a worker: what cannot be read now is read next time."""
    try:
        look(installation_id=installation_id)
    except WorkflowGone:
        return
    except WorkflowArchived:
        # It was looked at all the same, so that others have their turn.
        Installation.objects.filter(pk=installation_id).update(seen_at=timezone.now())


def tend() -> None:
    """In a tenant, now and then: look where it is due, and pick up what a worker left lying."""
    now = timezone.now()
    due = (
        Installation.objects.filter(status=Installation.Status.ACTIVE)
        .filter(Q(seen_at=None) | Q(seen_at__lt=now - LOOK_EVERY))
        .order_by("seen_at")
        .values_list("pk", flat=True)[:AT_ONCE]
    )
    for pk in due:
        enqueue_on_commit("catalog.look", installation_id=str(pk))
    for upgrade in Upgrade.objects.under_way().filter(updated_at__lt=now - STALLED_AFTER):
        if upgrade.attempts < MOST_ATTEMPTS:
            enqueue_on_commit("catalog.upgrade", upgrade_id=str(upgrade.pk))
        else:
            Upgrade.objects.filter(pk=upgrade.pk, status__in=Upgrade.UNDER_WAY).update(
                status=Upgrade.Status.FAILED,
                error="A worker stopped in the middle of it, several times. Try again; if it stays "
                "so, the worker's log says more.",
                ended_at=now,
                updated_at=now,
            )


def end_lost_upgrades(tenant: Tenant, by: Actor) -> None:
    """Of a tenant that was restored from a backup: nothing of what was under way still is."""
    with inside(tenant), transaction.atomic():
        for upgrade in Upgrade.objects.under_way().select_for_update():
            upgrade.status, upgrade.ended_at = Upgrade.Status.STOPPED, timezone.now()
            upgrade.error = (
                "The tenant was restored from a backup meanwhile. Look at the upgrade again."
            )
            upgrade.save(update_fields=["status", "error", "ended_at", "updated_at"])
            record(
                action="installation.upgrade_stopped",
                subject_type="installation",
                subject_id=str(upgrade.installation_id),
                data={"upgrade": str(upgrade.pk), "to": upgrade.to_version},
                by=by,
            )
