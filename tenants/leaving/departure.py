"""The notice and its taking back: doors closed, an archive made, nothing removed yet."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from tenants import lookup
from tenants.context import inside
from tenants.leaving.export import digest_of, export_tenant
from tenants.models import Departure, Tenant


class CannotLeave(DomainError):
    code = "tenant_cannot_leave"
    status = 409
    title = "The tenant cannot leave now"


class CannotReturn(DomainError):
    code = "tenant_cannot_return"
    status = 409
    title = "The tenant cannot be taken back"


def leave_tenant(*, tenant: Tenant, by: Actor, reason: str) -> Departure:
    """Close the doors, then write down all that the tenant has; its sandbox leaves with it.

    From then on it answers as if it were not there, and can be taken back for
    LEAVING_GRACE_DAYS. Called in no transaction; cut off, it goes on when it is called again.
    Raises CannotLeave.
    """
    for sandbox in tenant.sandboxes.all():
        if sandbox.status == Tenant.Status.LEAVING and not _departure_of(sandbox):
            continue  # its people asked for it to be taken away, which is under way
        leave_tenant(tenant=sandbox, by=by, reason=reason)
    with alone("tenants.leave", str(tenant.pk)):
        departure = _notice(tenant, by, reason)
        _write_archive(tenant, departure)
    return departure


def _write_archive(tenant: Tenant, departure: Departure) -> None:
    """Once, after the doors are closed: nothing comes in that the archive does not have."""
    if departure.export_sha256:
        return
    exported = digest_of(export_tenant(tenant, Path(settings.EXPORTS_ROOT)))
    departure.export_name = exported.path.name
    departure.export_sha256, departure.export_bytes = exported.sha256, exported.size
    departure.save()


def announce_leaving(*, tenant: Tenant, by: Actor, reason: str) -> Departure:
    """Close the doors now, its sandbox's too, and have a worker do the rest of `leave_tenant`.

    All of it or nothing, so that no worker's death leaves the sandbox behind. Raises CannotLeave.
    """
    with transaction.atomic():
        departure = _notice(tenant, by, reason)
        enqueue_on_commit("tenants.leave", tenant_id=str(tenant.pk))
        for sandbox in tenant.sandboxes.exclude(status=Tenant.Status.LEAVING):
            announce_leaving(tenant=sandbox, by=by, reason=reason)
    return departure


def finish_leaving(tenant: Tenant) -> None:
    """The archive of what was announced; nothing where it was taken back meanwhile."""
    with alone("tenants.leave", str(tenant.pk)):
        if departure := _departure_of(tenant):
            _write_archive(tenant, departure)


def enqueue_unfinished() -> None:
    """A job for each tenant that has left without an archive: a worker died while it wrote."""
    for departure in Departure.objects.open().filter(export_sha256=""):
        enqueue_on_commit("tenants.leave", tenant_id=str(departure.tenant_id))


def return_tenant(*, tenant: Tenant, by: Actor) -> None:
    """As it was, suspended where it was that, and so its sandbox; the archive stays where it is.

    Raises CannotReturn.
    """
    with alone("tenants.leave", str(tenant.pk)), transaction.atomic():
        departure = Departure.objects.open().select_for_update().filter(tenant_id=tenant.pk).first()
        if departure is None:
            raise CannotReturn(f"{tenant} is not leaving.")
        if departure.begun_at is not None:
            raise CannotReturn(
                f"Since {departure.begun_at:%Y-%m-%d %H:%M} UTC {tenant} is being removed. Create "
                f"it anew, and take its data from {departure.export_name}."
            )
        departure.returned_at = timezone.now()
        departure.save()
        Tenant.objects.filter(pk=tenant.pk).update(status=departure.status_before)
        _note("tenant.returned", tenant, departure, by)
    lookup.forget_tenants()
    for sandbox in tenant.sandboxes.filter(status=Tenant.Status.LEAVING):
        if _departure_of(sandbox):  # else its people asked for it to be taken away
            return_tenant(tenant=sandbox, by=by)


@transaction.atomic
def _notice(tenant: Tenant, by: Actor, reason: str) -> Departure:
    departure = _departure_of(tenant)
    if departure is not None:
        return departure
    row = Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
    if row.status not in {Tenant.Status.ACTIVE, Tenant.Status.SUSPENDED}:
        tenant.refresh_from_db()
        raise CannotLeave(
            f"{tenant} is {tenant.get_status_display()}. Finish its provisioning first."
        )
    Tenant.objects.filter(pk=tenant.pk).update(status=Tenant.Status.LEAVING)
    tenant.refresh_from_db()
    now = timezone.now()
    departure = Departure.objects.create(
        tenant_id=tenant.pk,
        slug=tenant.slug,
        name=tenant.name,
        schema_name=tenant.schema_name,
        environment=tenant.environment,
        status_before=row.status,
        partner=str(tenant.lead_partner or ""),
        reason=reason,
        left_at=now,
        left_by=by.label,
        remove_after=now + timedelta(days=settings.LEAVING_GRACE_DAYS),
    )
    _note("tenant.left", tenant, departure, by)
    transaction.on_commit(lookup.forget_tenants)
    return departure


def _departure_of(tenant: Tenant) -> Departure | None:
    return Departure.objects.open().filter(tenant_id=tenant.pk).first()


def _note(action: str, tenant: Tenant, departure: Departure, by: Actor) -> None:
    with inside(tenant):
        record(
            action=action,
            subject_type="tenant",
            subject_id=str(tenant.pk),
            data={"reason": departure.reason, "remove_after": departure.remove_after.isoformat()},
            by=by,
        )
