"""From production to the sandbox: rules as they are, customers' data only by way of redaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from tenants import lookup
from tenants.context import inside, outside
from tenants.environments import rules
from tenants.environments.pseudonyms import Pseudonyms
from tenants.environments.rules import Copied
from tenants.environments.services import NotProduction, SandboxMissing
from tenants.models import Tenant

BATCH = 200
REQUESTED, COPIED, FAILED = "sandbox.copy_requested", "sandbox.copied", "sandbox.copy_failed"
LONGEST_COPY = timedelta(hours=1)
Ids = dict[tuple[type[models.Model], Any], Any]


class NothingToCopy(DomainError):
    code = "sandbox_nothing_to_copy"
    status = 422
    title = "It is not said what to copy"


def copy_to_sandbox(*, tenant: Tenant, what: list[str], by: Actor) -> None:
    """Have `what` (of `rules.groups()`) copied from production to its sandbox, soon.

    Raises NothingToCopy, NotProduction, SandboxMissing.
    """
    _assert_known(what)
    with outside():
        sandbox = _sandbox_of(tenant)
        with transaction.atomic():
            enqueue_on_commit(
                "tenants.copy_to_sandbox",
                tenant_id=str(tenant.pk),
                what=" ".join(what),
                by=by.label,
            )
            _note(REQUESTED, tenant, tenant, sandbox, what, by)


def copy_now(tenant: Tenant, what: list[str], *, by: Actor) -> dict[str, int]:
    """What `copy_to_sandbox` enqueued; returns how many rows of each table there are.

    Rows of customers take the place of all that the sandbox has of that kind. All or nothing.
    """
    _assert_known(what)
    sandbox = _sandbox_of(tenant)
    # By the door's way, so that what is asked of their shared rows inside is there already.
    production, sandbox = (lookup.tenant_by_slug(each.slug) for each in (tenant, sandbox))
    with (
        alone("tenants.sandbox", str(sandbox.pk)),
        _told_where_it_fails(production, sandbox, what, by),
    ):
        with transaction.atomic():
            counts = _copy_rows(production, sandbox, what)
        for name, run in rules.actions().items():
            if name in what:
                run(production=production, sandbox=sandbox, by=by)
        with transaction.atomic():
            for chain in (production, sandbox):
                _note(COPIED, chain, production, sandbox, what, by)
    return counts


@contextmanager
def _told_where_it_fails(
    production: Tenant, sandbox: Tenant, what: list[str], by: Actor
) -> Iterator[None]:
    try:
        yield
    except Exception:
        with transaction.atomic():
            _note(FAILED, production, production, sandbox, what, by)
        raise


@dataclass(frozen=True)
class LastCopy:
    """The newest that was asked for. `state` is `under_way`, `done`, `failed`, or `lost` where it
    has not ended in an hour: its worker died."""

    state: str
    at: datetime
    by: str


def last_copy(sandbox: Tenant) -> LastCopy | None:
    """Of the production that is entered, as its trail tells it; none where nothing was copied."""
    told = (
        Entry.objects.filter(
            subject_type="tenant",
            subject_id=str(sandbox.pk),
            action__in=[REQUESTED, COPIED, FAILED],
        )
        .order_by("-sequence")
        .first()
    )
    if told is None:
        return None
    state = {COPIED: "done", FAILED: "failed"}.get(told.action, "under_way")
    if state == "under_way" and told.at < timezone.now() - LONGEST_COPY:
        state = "lost"
    return LastCopy(state, told.at, told.actor_label)


def _copy_rows(production: Tenant, sandbox: Tenant, what: list[str]) -> dict[str, int]:
    names, ids = Pseudonyms(), Ids()
    chosen = rules.models_of(what)
    if chosen:
        _empty(sandbox, [model for model, terms in chosen if not terms.match_by])
    return {
        model._meta.label: sum(
            _write(sandbox, [rules.changed(row, terms, names) for row in rows], terms, ids)
            for rows in _batches(production, model)
        )
        for model, terms in chosen
    }


def _empty(sandbox: Tenant, chosen: list[type[models.Model]]) -> None:
    with inside(sandbox):
        for model in [*rules.emptied_models(), *reversed(chosen)]:
            model._default_manager.all().delete()


def _batches(production: Tenant, model: type[models.Model]) -> Any:
    """All rows, a few at a time, in the order of their keys."""
    last: Any = None
    while True:
        with inside(production):
            rows = model._default_manager.order_by("pk")
            found = list((rows if last is None else rows.filter(pk__gt=last))[:BATCH])
        if not found:
            return
        yield found
        last = found[-1].pk


def _write(sandbox: Tenant, rows: list[models.Model], terms: Copied, ids: Ids) -> int:
    with inside(sandbox):
        new = []
        for row in rows:
            model = type(row)
            for f in model._meta.concrete_fields:
                if f.related_model is not None:
                    old = getattr(row, f.attname)
                    setattr(row, f.attname, ids.get((f.related_model, old), old))
            there = (
                terms.match_by
                and model._default_manager.filter(
                    **{field: getattr(row, field) for field in terms.match_by}
                ).first()
            )
            if there:
                ids[model, row.pk] = there.pk
            else:
                new.append(row)
        if new:
            type(new[0])._default_manager.bulk_create(new)
    return len(new)


def _assert_known(what: list[str]) -> None:
    known = rules.groups()
    if not what or set(what) - set(known):
        raise NothingToCopy(
            f"Choose from {', '.join(known)}.", errors=(FieldError("what", "names nothing here"),)
        )


def _sandbox_of(tenant: Tenant) -> Tenant:
    if tenant.is_sandbox:
        raise NotProduction(f"{tenant} is a sandbox. Copy from its production.")
    sandbox = Tenant.objects.active().filter(sandbox_of=tenant).first()
    if sandbox is None:
        raise SandboxMissing(f"{tenant} has no sandbox that is ready. Create one, or wait for it.")
    return sandbox


def _note(
    action: str, chain: Tenant, production: Tenant, sandbox: Tenant, what: list[str], by: Actor
) -> None:
    """In the chain of one environment; from the shared schema."""
    with inside(chain):
        record(
            action=action,
            subject_type="tenant",
            subject_id=str(sandbox.pk),
            data={"from": production.slug, "to": sandbox.slug, "what": sorted(what)},
            by=by,
        )
