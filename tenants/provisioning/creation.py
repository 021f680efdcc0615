"""From a name to a working tenant. Every step may be repeated, so a crash is mended by a rerun."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.audit.services import Told, record
from controlplane.core.actor import Actor, system
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from tenants import grants, lookup
from tenants.context import inside
from tenants.fingerprint import current_fingerprint
from tenants.models import ApiKey, Blueprint, Partner, ProvisioningStep, Spare, Tenant
from tenants.provisioning.blueprint import current_blueprint
from tenants.provisioning.copies import make_copy, queued, tell_trail
from tenants.provisioning.rows import TenantLeaving, Wanted, check, furnish, insert_tenant
from tenants.provisioning.schemas import build_schema, schema_exists
from tenants.provisioning.spares import hand_over, reserve_spare
from tenants.provisioning.steps import (
    RESET,
    SCHEMA,
    begin_again,
    is_done,
    noted,
    plan_steps,
    run_seeds,
    steps_to_do,
)

Progress = Callable[[str], None]

# A step waits for n8n a minute at most.
STALLED_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class FirstKey:
    """An API key that the new tenant is to have at once."""

    name: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Created:
    """`key` is the first key's text, shown this once; empty where none was asked for."""

    tenant: Tenant
    key: str = ""


def create_tenant(
    *,
    slug: str,
    name: str,
    partner: Partner,
    language: str = "en",
    time_zone: str = "UTC",
    region: str = "",
    first_key: FirstKey | None = None,
    by: Actor,
) -> Created:
    """A tenant at once: rows, schema, starter rows and key in one transaction of the owner's.

    It answers from then on; `provision_tenant` adds what higher floors have for it, and the schema
    too where there was nothing to copy from. A tenant that is there already is left as it is, and
    gets no key. Called in no transaction. Raises what `start_tenant` raises.
    """
    wanted = Wanted(slug, name, partner, language, time_zone, region=region)
    key = ""
    check(wanted)
    with transaction.atomic(using="owner"):
        tenant, is_new = insert_tenant(wanted, using="owner")
        if is_new:
            source = _find_source(tenant)
            with _told_at_once(source):
                furnish(tenant, partner, using="owner")
                if source is not None:
                    _become(tenant, source, by)
                plan_steps(tenant, stands=source is not None, using="owner")
                if first_key is not None:
                    _row, key = ApiKey.issue(
                        tenant=tenant,
                        name=first_key.name,
                        scopes=list(first_key.scopes),
                        using="owner",
                    )
    tenant._state.db = "default"
    lookup.forget_tenants()
    return Created(tenant, key)


def enqueue_provisioning(tenant: Tenant, *, by: Actor) -> None:
    """A step that failed waits again from now on, with why it did until it is tried."""
    failed = ProvisioningStep.objects.filter(tenant=tenant, status=ProvisioningStep.Status.FAILED)
    failed.update(status=ProvisioningStep.Status.PENDING, started_at=None, finished_at=None)
    enqueue_on_commit("tenants.provision", tenant_id=str(tenant.pk), by=by.label)


def stalled_steps() -> QuerySet[ProvisioningStep]:
    """Those that have neither ended well nor moved for a while."""
    before = timezone.now() - STALLED_AFTER
    return ProvisioningStep.objects.unfinished().filter(
        Q(started_at__isnull=True) | Q(started_at__lt=before),
        created_at__lt=before,
        tenant__status__in=[Tenant.Status.PROVISIONING, Tenant.Status.ACTIVE],
    )


def resume_interrupted() -> None:
    """A job for each tenant whose provisioning has stalled."""
    stalled = stalled_steps().exclude(name=RESET)
    for tenant in Tenant.objects.filter(provisioning_steps__in=stalled).distinct():
        enqueue_provisioning(tenant, by=system("resumed"))


def provision_tenant(
    tenant: Tenant, *, by: Actor, progress: Progress = lambda step: None
) -> Tenant:
    """Schema, role, grants, then the steps of higher floors; finishes what was interrupted.

    The tenant is active, and answers, as soon as its schema stands. Called in no transaction, since
    steps call the outside world. A step that is done is not done again, unless all are: then each
    one looks whether it still holds. Raises TenantLeaving.
    """
    # Asked for twice, the second would create tables that the first is just creating.
    with alone("tenants.provision", str(tenant.pk)):
        tenant.refresh_from_db()
        if tenant.status == Tenant.Status.LEAVING:
            raise TenantLeaving(f"{tenant} is leaving. Take it back before provisioning it again.")
        plan_steps(tenant)
        begin_again(tenant)
        if not is_done(tenant, SCHEMA):
            progress("schema, role and grants")
            with noted(tenant, SCHEMA):
                _stand_up(tenant, by)
        for step, run in steps_to_do(tenant):
            progress(step)
            with noted(tenant, step) as said:
                said.append(run(tenant, by) or "")
    tenant.refresh_from_db()
    lookup.forget_tenants()
    return tenant


def _stand_up(tenant: Tenant, by: Actor) -> None:
    """A schema that was never begun is copied; one that stands is migrated on and seeded."""
    if not tenant.schema_fingerprint and not schema_exists(tenant.schema_name):
        with transaction.atomic(using="owner"):
            source = _find_source(tenant)
            if source is not None:
                with _told_at_once(source):
                    _become(tenant, source, by)
                return
    if tenant.schema_fingerprint != current_fingerprint():
        build_schema(tenant)
    run_seeds(tenant)
    if tenant.status == Tenant.Status.PROVISIONING:
        with inside(tenant):
            if not Entry.objects.filter(action="tenant.created").exists():
                record(**vars(_created(tenant, by)))
        # One that was suspended stays so.
        Tenant.objects.filter(pk=tenant.pk).update(status=Tenant.Status.ACTIVE)


def _find_source(tenant: Tenant) -> Spare | Blueprint | None:
    """A spare, else the blueprint and a role for the copy; in the owner's transaction."""
    if (spare := reserve_spare()) is not None:
        return spare
    blueprint = current_blueprint()
    if blueprint is not None:
        grants.make_roles([tenant.schema_name])
    return blueprint


def _told_at_once(source: Spare | Blueprint | None) -> AbstractContextManager[None]:
    """A spare's taking is queued; a copy is one long message already, which no queue takes."""
    return queued() if isinstance(source, Spare) else nullcontext()


def _become(tenant: Tenant, source: Spare | Blueprint, by: Actor) -> None:
    """The tenant's schema, its trail begun; active with the commit. Reads nothing."""
    if isinstance(source, Spare):
        head = hand_over(source, tenant)
    else:
        head = make_copy(source, tenant.schema_name, role=grants.role_of(tenant))
    tell_trail(tenant.schema_name, [_created(tenant, by)], after=head)
    tenant.schema_fingerprint, tenant.release = current_fingerprint(), settings.RELEASE
    tenant.status = Tenant.Status.ACTIVE
    Tenant.objects.using("owner").filter(pk=tenant.pk).update(
        schema_fingerprint=tenant.schema_fingerprint, release=tenant.release, status=tenant.status
    )


def _created(tenant: Tenant, by: Actor) -> Told:
    return Told(
        action="tenant.created",
        subject_type="tenant",
        subject_id=str(tenant.pk),
        data={"slug": tenant.slug, "name": tenant.name, "environment": tenant.environment},
        by=by,
    )
