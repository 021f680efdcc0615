"""A customer's sandbox: made, emptied and filled anew, taken away. Audited in both chains."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor, system
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from controlplane.vault.rings import forget_rings
from tenants import lookup
from tenants.backup.shared import remove_shared
from tenants.context import inside, outside
from tenants.models import Departure, Tenant
from tenants.provisioning import provision_tenant, start_tenant
from tenants.provisioning.copies import drop_schemas
from tenants.provisioning.creation import STALLED_AFTER, stalled_steps
from tenants.provisioning.names import SANDBOX
from tenants.provisioning.schemas import schema_exists
from tenants.provisioning.steps import (
    RESET,
    noted,
    plan_anew,
    plan_reset,
    register_sandbox_step,
    unfinished_steps,
)

_clearers: dict[str, Callable[[Actor], None]] = {}


class NotProduction(DomainError):
    code = "environment_not_production"
    status = 409
    title = "Only production has a sandbox"


class SandboxThere(DomainError):
    code = "sandbox_there"
    status = 409
    title = "There is a sandbox already"


class SandboxMissing(DomainError):
    code = "sandbox_missing"
    status = 404
    title = "There is no sandbox"


def register_sample(name: str, fill: Callable[[Actor], None]) -> None:
    """From AppConfig.ready: `fill(by)` runs in a new sandbox and adds synthetic rows.

    The same every time, about nobody; may be repeated without adding them twice.
    """
    register_sandbox_step(f"synthetic {name}", partial(_fill, fill))


def register_clearing(name: str, clear: Callable[[Actor], None]) -> None:
    """From AppConfig.ready: `clear(by)` runs in a sandbox that goes, for what stands outside.

    Higher floors are asked first. May be repeated.
    """
    _clearers[name] = clear


def create_sandbox(*, tenant: Tenant, by: Actor) -> Tenant:
    """The rows of a sandbox, and the work of making it enqueued.

    Members, engagements and brand are those of production. Called for a tenant that is entered or
    from outside. Raises NotProduction, SandboxThere, SlugRefused, SandboxNotPossible.
    """
    _assert_production(tenant)
    with outside(), transaction.atomic():
        if tenant.sandboxes.exists():
            raise SandboxThere(
                f"{tenant} has a sandbox already. Reset it to begin anew, or remove it first."
            )
        sandbox = start_sandbox(tenant)
        enqueue_on_commit("tenants.make_sandbox", tenant_id=str(sandbox.pk), by=by.label)
        _note("sandbox.requested", tenant, sandbox, by)
    lookup.forget_tenants()
    return sandbox


def resume_sandbox(*, tenant: Tenant, by: Actor) -> Tenant:
    """Have what is left to do done now, in place of in a few minutes.

    Raises NotProduction, SandboxMissing.
    """
    with outside(), transaction.atomic():
        sandbox = _held(tenant)
        _assert_stays(sandbox)
        is_to_be_emptied = unfinished_steps(sandbox).filter(name=RESET).exists()
        task = "tenants.reset_sandbox" if is_to_be_emptied else "tenants.make_sandbox"
        enqueue_on_commit(task, tenant_id=str(sandbox.pk), by=by.label)
        _note("sandbox.resumed", tenant, sandbox, by)
    return sandbox


def reset_sandbox(*, tenant: Tenant, by: Actor) -> Tenant:
    """Empty the sandbox and fill it with synthetic data again; its API keys stay.

    What was deployed from there to n8n is taken away. Raises NotProduction, SandboxMissing.
    """
    with outside(), transaction.atomic():
        sandbox = _held(tenant)
        _assert_stays(sandbox)
        plan_reset(sandbox)
        enqueue_on_commit("tenants.reset_sandbox", tenant_id=str(sandbox.pk), by=by.label)
        _note("sandbox.reset_requested", tenant, sandbox, by)
    return sandbox


def remove_sandbox(*, tenant: Tenant, by: Actor) -> None:
    """Take the sandbox away, with its keys, files and workflows. Production is not touched.

    Its doors answer as if it were not there at once. Raises NotProduction, SandboxMissing.
    """
    with outside(), transaction.atomic():
        sandbox = _held(tenant)
        Tenant.objects.filter(pk=sandbox.pk).update(
            status=Tenant.Status.LEAVING, updated_at=timezone.now()
        )
        enqueue_on_commit("tenants.remove_sandbox", tenant_id=str(sandbox.pk), by=by.label)
        _note("sandbox.removal_requested", tenant, sandbox, by)
    lookup.forget_tenants()


def make_now(sandbox: Tenant, *, by: Actor) -> Tenant:
    """What `create_sandbox` enqueued; finishes what was interrupted. In no transaction."""
    provision_tenant(sandbox, by=by)
    return lookup.tenant_by_slug(sandbox.slug)


def reset_now(sandbox: Tenant, *, by: Actor) -> Tenant:
    """What `reset_sandbox` enqueued; finishes what was interrupted. In no transaction.

    Raises SandboxMissing where it is being removed meanwhile.
    """
    with alone("tenants.sandbox", str(sandbox.pk)):
        sandbox.refresh_from_db()
        _assert_stays(sandbox)
        planned = unfinished_steps(sandbox).filter(name=RESET)
        # Delivered once more when it is done, only what is left of making it anew is done.
        if planned.exists() and schema_exists(sandbox.schema_name):
            with noted(sandbox, RESET):
                _clear_outside(sandbox, by)
                _drop_files(sandbox)
                _empty(sandbox)
        else:
            planned.delete()  # it is only being made, and is empty
        return make_now(sandbox, by=by)


def remove_now(sandbox: Tenant, *, by: Actor) -> None:
    """What `remove_sandbox` enqueued; finishes what was interrupted. In no transaction.

    The row goes last, with the note that it went: until then a rerun finds what is left.
    """
    with alone("tenants.sandbox", str(sandbox.pk)):
        if schema_exists(sandbox.schema_name):
            _clear_outside(sandbox, by)
            _drop_files(sandbox)
            with transaction.atomic(using="owner"):
                drop_schemas([sandbox.schema_name])
                remove_shared(sandbox)
        with transaction.atomic():
            gone, _rows = Tenant.objects.filter(pk=sandbox.pk).delete()
            if gone:
                _note("sandbox.removed", sandbox.customer, sandbox, by)
        lookup.forget_tenants()


def resume_sandboxes() -> None:
    """A job for each sandbox that was to be emptied or removed, and where that has stalled.

    One that is only half made is `resume_interrupted`'s.
    """
    by = system("resumed").label
    for sandbox_id in stalled_steps().filter(name=RESET).values_list("tenant", flat=True):
        enqueue_on_commit("tenants.reset_sandbox", tenant_id=str(sandbox_id), by=by)
    leaving = Tenant.objects.filter(
        sandbox_of__isnull=False,
        status=Tenant.Status.LEAVING,
        updated_at__lt=timezone.now() - STALLED_AFTER,
    ).exclude(pk__in=Departure.objects.open().values("tenant_id"))  # goes with its production
    for sandbox_id in leaving.values_list("pk", flat=True):
        enqueue_on_commit("tenants.remove_sandbox", tenant_id=str(sandbox_id), by=by)


def _empty(sandbox: Tenant) -> None:
    """The schema goes, and in the same transaction its steps are all to be done again: whenever
    it is cut off, `resume_interrupted` finds something to do."""
    with (
        # Nobody is just building it.
        alone("tenants.provision", str(sandbox.pk)),
        transaction.atomic(using="owner"),
    ):
        drop_schemas([sandbox.schema_name])
        plan_anew(sandbox, using="owner")
        # As it was before its schema was made; the new one has other data keys.
        Tenant.objects.using("owner").filter(pk=sandbox.pk).update(
            status=Tenant.Status.PROVISIONING, schema_fingerprint="", updated_at=timezone.now()
        )
    lookup.forget_tenants()
    forget_rings()


def start_sandbox(tenant: Tenant) -> Tenant:
    """The rows that provisioning works from. Raises SlugRefused, SandboxNotPossible."""
    return start_tenant(
        slug=f"{tenant.slug}{SANDBOX}",
        name=f"{tenant.name[:110]} Sandbox",
        language=tenant.language,
        time_zone=tenant.time_zone,
        region=tenant.region,
        sandbox_of=tenant,
    )


def _assert_production(tenant: Tenant) -> None:
    if tenant.is_sandbox:
        raise NotProduction(
            f"{tenant} is a sandbox itself. Do this at {tenant.customer}, its production."
        )


def _assert_stays(sandbox: Tenant) -> None:
    if sandbox.status == Tenant.Status.LEAVING:
        raise SandboxMissing(f"{sandbox} is being removed. Create another when it is gone.")


def _held(tenant: Tenant) -> Tenant:
    """The sandbox's row, locked until the commit."""
    _assert_production(tenant)
    sandbox = Tenant.objects.select_for_update().filter(sandbox_of=tenant).first()
    if sandbox is None:
        raise SandboxMissing(f"{tenant} has no sandbox. Create one first.")
    return sandbox


def _note(action: str, tenant: Tenant, sandbox: Tenant, by: Actor) -> None:
    """In the platform's chain and in production's; from the shared schema."""
    entry: dict[str, Any] = {
        "action": action,
        "subject_type": "tenant",
        "subject_id": str(sandbox.pk),
        "data": {"tenant": tenant.slug, "sandbox": sandbox.slug},
        "by": by,
    }
    record(**entry)
    with inside(tenant):
        record(**entry)


def _fill(fill: Callable[[Actor], None], sandbox: Tenant, by: Actor) -> None:
    # By the door's way, so that what is asked of its shared rows inside is there already.
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        fill(by)


def _clear_outside(sandbox: Tenant, by: Actor) -> None:
    for clear in reversed(_clearers.values()):
        with inside(sandbox):
            clear(by)


def _drop_files(sandbox: Tenant) -> None:
    shutil.rmtree(Path(settings.FILES_ROOT) / sandbox.schema_name, ignore_errors=True)
