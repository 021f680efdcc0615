"""Removing a tenant kind by kind, each read back before the next, and certified at the end."""

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from tenants import lookup
from tenants.leaving.certificate import certify
from tenants.leaving.export import digest_of
from tenants.leaving.kinds import Kind, kinds
from tenants.models import Departure, Tenant

Progress = Callable[[str], None]

log = get_logger(__name__)


class NotLeaving(DomainError):
    code = "tenant_not_leaving"
    status = 409
    title = "The tenant is not leaving"


class GraceNotOver(DomainError):
    code = "tenant_grace_not_over"
    status = 409
    title = "The tenant can still be taken back"


class ExportMissing(DomainError):
    code = "tenant_export_missing"
    status = 409
    title = "The tenant's archive is not there as it was written"


class RemovalIncomplete(DomainError):
    code = "tenant_removal_incomplete"
    status = 502
    title = "Something of the tenant is left"


def remove_tenant(
    *, slug: str, now: bool = False, by: Actor, progress: Progress = lambda kind: None
) -> Departure:
    """Remove a leaving tenant, its sandbox first; returns the departure with its certificate.

    `now` does not wait for the end of the time of grace. Called in no transaction. Cut off or
    failed, it goes on where it was when it is called again: each kind is counted, removed, and
    counted again, and what was done is not done twice. Raises NotLeaving, GraceNotOver,
    ExportMissing, RemovalIncomplete, and what a kind raises.
    """
    departure = Departure.objects.open().filter(slug=slug).first()
    if departure is None:
        raise NotLeaving(f"No tenant {slug!r} is leaving. Have it leave first.")
    for sandbox in Tenant.objects.filter(sandbox_of_id=departure.tenant_id):
        remove_tenant(slug=sandbox.slug, now=now, by=by, progress=progress)
    with alone("tenants.leave", str(departure.tenant_id)):
        departure = _begin(departure, now)
        tenant = Tenant.objects.filter(pk=departure.tenant_id).first()
        if tenant is not None:
            done = {row["kind"] for row in departure.removed}
            for kind in kinds():
                if kind.name not in done:
                    progress(kind.name)
                    _remove_kind(kind, tenant, departure)
        _finish(departure, by)
    lookup.forget_tenants()
    log.info("tenant.removed", tenant=departure.slug, by=by.label)
    return departure


def enqueue_due() -> None:
    """A job for each tenant whose time of grace is over, productions before their sandboxes."""
    for slug in (
        Departure.objects.open()
        .filter(remove_after__lte=timezone.now())
        .values_list("slug", flat=True)
    ):
        enqueue_on_commit("tenants.remove", slug=slug)


@transaction.atomic
def _begin(departure: Departure, now: bool) -> Departure:
    """From here on it cannot be taken back."""
    departure = Departure.objects.select_for_update().get(pk=departure.pk)
    if departure.returned_at is not None or departure.removed_at is not None:
        raise NotLeaving(f"{departure} was taken back or removed meanwhile.")
    if departure.begun_at is None:
        if departure.remove_after > timezone.now() and not now:
            raise GraceNotOver(
                f"{departure} can be taken back until {departure.remove_after:%Y-%m-%d %H:%M} UTC. "
                "Wait, or say that it is to be removed now."
            )
        _assert_exported(departure)
        departure.begun_at = timezone.now()
        departure.save()
    return departure


def _assert_exported(departure: Departure) -> None:
    path = Path(settings.EXPORTS_ROOT) / departure.export_name
    try:
        found = digest_of(path).sha256 if departure.export_name else ""
    except FileNotFoundError:
        found = ""
    if not found or found != departure.export_sha256:
        raise ExportMissing(
            f"{path} is not there, or is another file than was written. Put it back, or have the "
            "tenant returned and leave again."
        )


def _remove_kind(kind: Kind, tenant: Tenant, departure: Departure) -> None:
    if kind.name not in departure.found:
        # Kept before anything goes, so that a removal in two runs tells the whole.
        departure.found[kind.name] = kind.count(tenant)
        departure.save(update_fields=["found", "updated_at"])
    kind.remove(tenant)
    found, left = departure.found[kind.name], kind.count(tenant)
    if left:
        raise RemovalIncomplete(
            f"Of {tenant}, {left} of {found} {kind.name} are still there after they were removed. "
            "Look why, then remove the tenant again: it goes on from here."
        )
    departure.removed.append(
        {"kind": kind.name, "found": found, "removed": found - left, "left": left}
    )
    departure.save(update_fields=["removed", "updated_at"])


@transaction.atomic
def _finish(departure: Departure, by: Actor) -> None:
    """The row, the certificate, and a note in the platform's own trail, together."""
    Tenant.objects.filter(pk=departure.tenant_id).delete()
    departure.removed_at, departure.removed_by = timezone.now(), by.label
    departure.certificate = certify(departure)
    departure.save()
    record(
        action="tenant.removed",
        subject_type="tenant",
        subject_id=str(departure.tenant_id),
        data={"slug": departure.slug, "signature": departure.certificate["signature"]},
        by=by,
    )
