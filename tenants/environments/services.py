"""A customer's sandbox: made, emptied and filled anew, taken away. Audited in both chains."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from controlplane.vault.rings import forget_rings
from tenants import lookup
from tenants.backup.shared import remove_shared
from tenants.context import inside, outside
from tenants.models import ProvisioningStep, Tenant
from tenants.provisioning import provision_tenant, start_tenant
from tenants.provisioning.copies import drop_schemas
from tenants.provisioning.names import SANDBOX

_fillers: dict[str, Callable[[Actor], None]] = {}
_clearers: dict[str, Callable[[Actor], None]] = {}

log = get_logger(__name__)


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
    _fillers[name] = fill


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


def reset_sandbox(*, tenant: Tenant, by: Actor) -> Tenant:
    """Empty the sandbox and fill it with synthetic data again; its API keys stay.

    What was deployed from there to n8n is taken away. Raises NotProduction, SandboxMissing.
    """
    with outside(), transaction.atomic():
        sandbox = _held(tenant)
        enqueue_on_commit("tenants.reset_sandbox", tenant_id=str(sandbox.pk), by=by.label)
        _note("sandbox.reset_requested", tenant, sandbox, by)
    return sandbox


def remove_sandbox(*, tenant: Tenant, by: Actor) -> None:
    """Take the sandbox away, with its keys, files and workflows. Production is not touched.

    Its doors answer as if it were not there at once. Raises NotProduction, SandboxMissing.
    """
    with outside(), transaction.atomic():
        sandbox = _held(tenant)
        Tenant.objects.filter(pk=sandbox.pk).update(status=Tenant.Status.LEAVING)
        enqueue_on_commit("tenants.remove_sandbox", tenant_id=str(sandbox.pk), by=by.label)
        _note("sandbox.removal_requested", tenant, sandbox, by)
    lookup.forget_tenants()


def make_now(sandbox: Tenant, *, by: Actor) -> Tenant:
    """What `create_sandbox` enqueued; finishes what was interrupted. In no transaction."""
    provision_tenant(sandbox, by=by)
    # By the door's way, so that what is asked of its shared rows inside is there already.
    sandbox = lookup.tenant_by_slug(sandbox.slug)
    for name, fill in _fillers.items():
        log.info("sandbox.filling", tenant=sandbox.slug, what=name)
        with inside(sandbox):
            fill(by)
    return sandbox


def reset_now(sandbox: Tenant, *, by: Actor) -> Tenant:
    """What `reset_sandbox` enqueued."""
    with alone("tenants.sandbox", str(sandbox.pk)):
        _clear_outside(sandbox, by)
        Tenant.objects.filter(pk=sandbox.pk).update(status=Tenant.Status.PROVISIONING)
        lookup.forget_tenants()
        with transaction.atomic(using="owner"):
            drop_schemas([sandbox.schema_name])
            # As it was before its schema was made; the new one has other data keys.
            ProvisioningStep.objects.using("owner").filter(tenant=sandbox).delete()
            Tenant.objects.using("owner").filter(pk=sandbox.pk).update(
                schema_fingerprint="", updated_at=timezone.now()
            )
        forget_rings()
        _drop_files(sandbox)
        return make_now(sandbox, by=by)


def remove_now(sandbox: Tenant, *, by: Actor) -> None:
    """What `remove_sandbox` enqueued. The row goes last, with schema and role."""
    with alone("tenants.sandbox", str(sandbox.pk)):
        _clear_outside(sandbox, by)
        with transaction.atomic(using="owner"):
            drop_schemas([sandbox.schema_name])
            remove_shared(sandbox)
            Tenant.objects.using("owner").filter(pk=sandbox.pk).delete()
        _drop_files(sandbox)
        lookup.forget_tenants()
        with transaction.atomic():
            _note("sandbox.removed", sandbox.customer, sandbox, by)


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


def _clear_outside(sandbox: Tenant, by: Actor) -> None:
    for clear in reversed(_clearers.values()):
        with inside(sandbox):
            clear(by)


def _drop_files(sandbox: Tenant) -> None:
    shutil.rmtree(Path(settings.FILES_ROOT) / sandbox.schema_name, ignore_errors=True)
