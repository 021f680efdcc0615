"""What provisioning does after the rows: registered from above, run in order, each one noted.

A *seed* puts the same rows into every tenant, so it is done once, in the template, and copied. A
*step* is done for each tenant by itself, after its schema stands: an n8n workspace, for example.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from controlplane.core.actor import Actor, system
from tenants.models import ProvisioningStep, Tenant

SCHEMA = "schema"
# Of a sandbox, from when it is asked to be emptied until its schema is gone.
RESET = "reset"
# Whoever creates a tenant, its starter rows are Pergola's: the same in each.
SEEDER = system("provisioning")

Work = Callable[[Tenant, Actor], None]
StepWork = Callable[[Tenant, Actor], str | None]
"""Returns what has to be known of a step that is done, or nothing."""


@dataclass(frozen=True)
class Seed:
    """`run(tenant, by)` fills `tables`; `contents()` is what of, for noticing that it changed."""

    name: str
    run: Work
    tables: tuple[str, ...]
    contents: Callable[[], object]


# In the order of their floors: lower ones first.
_seeds: list[Seed] = []
_steps: list[tuple[str, StepWork]] = []
_sandbox_steps: list[tuple[str, StepWork]] = []


def register_seed(
    name: str, run: Work, *, tables: tuple[str, ...], contents: Callable[[], object]
) -> None:
    """From AppConfig.ready: rows that every tenant starts with.

    `run` enters the tenant, uses no other, and is repeatable: it leaves alone what is there. It
    writes to `tables` and the audit trail only, rows with UUID keys and nothing secret; each tenant
    gets keys and times of its own. `contents()` gives plain JSON.
    """
    _seeds.append(Seed(name, run, tables, contents))


def register_step(name: str, run: StepWork) -> None:
    """From AppConfig.ready: `run(tenant, by)` once the schema stands; must be repeatable.

    A step enters the tenant itself where it needs to, since some need shared tables first. What it
    returns stands beside it: it is done, and did not do what its name says.
    """
    _steps.append((name, run))


def register_sandbox_step(name: str, run: StepWork) -> None:
    """From AppConfig.ready: as `register_step`, for sandboxes only.

    Done before the other steps, so that it does not wait for an outside system that is down, and
    not again until the sandbox is reset.
    """
    _sandbox_steps.append((name, run))


def seeds() -> list[Seed]:
    return list(_seeds)


def seeded_tables() -> set[str]:
    return {table for seed in _seeds for table in seed.tables}


def digest_of_seeds() -> str:
    """Of what all seeds would write, in hex."""
    told = [[seed.name, seed.tables, seed.contents()] for seed in _seeds]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def run_seeds(tenant: Tenant) -> None:
    for seed in _seeds:
        seed.run(tenant, SEEDER)


def plan_steps(tenant: Tenant, *, stands: bool = False, using: str = "default") -> None:
    """A pending row for each step that has none; what was done stays done.

    `stands` says that the schema was made in the same transaction. What fills a sandbox is for one
    that is being made: one that stands, restored or of an older release, has its data.
    """
    now = timezone.now()
    status = ProvisioningStep.Status
    rows = ProvisioningStep.objects.using(using)
    made = {"status": status.DONE, "started_at": now, "finished_at": now}
    schema = made if stands else {}
    if tenant.is_sandbox and rows.filter(tenant=tenant, name=SCHEMA, status=status.DONE).exists():
        stands = True
    filled = made if stands else {}
    rows.bulk_create(
        [
            ProvisioningStep(tenant=tenant, name=SCHEMA, **schema),
            *(
                ProvisioningStep(tenant=tenant, name=name, **filled)
                for name, _run in (_sandbox_steps if tenant.is_sandbox else ())
            ),
            *(ProvisioningStep(tenant=tenant, name=name) for name, _run in _steps),
        ],
        ignore_conflicts=True,
    )


def plan_reset(sandbox: Tenant) -> None:
    """In the transaction of whoever asked: kept until the schema is gone, so that no crash of a
    worker forgets it."""
    rows = ProvisioningStep.objects.filter(tenant=sandbox, name=RESET)
    rows.delete()
    ProvisioningStep.objects.create(tenant=sandbox, name=RESET)


def plan_anew(sandbox: Tenant, *, using: str) -> None:
    """All of its steps are to be done, as if none ever was; in the transaction that drops its
    schema."""
    ProvisioningStep.objects.using(using).filter(tenant=sandbox).delete()
    plan_steps(sandbox, using=using)


def begin_again(tenant: Tenant) -> None:
    """Where everything is done, everything is looked at once more: an n8n may have come since.

    But for what fills a sandbox: its people may have emptied it, or copied something in.
    """
    filled = [name for name, _run in _sandbox_steps]
    steps = ProvisioningStep.objects.filter(tenant=tenant).exclude(name__in=filled)
    if not unfinished_steps(tenant).exists():
        steps.update(status=ProvisioningStep.Status.PENDING, started_at=None, finished_at=None)


def unfinished_steps(tenant: Tenant) -> QuerySet[ProvisioningStep]:
    """In the order in which they are done; none where the tenant is all there."""
    return tenant.provisioning_steps.unfinished()


def is_done(tenant: Tenant, name: str) -> bool:
    done = ProvisioningStep.Status.DONE
    return ProvisioningStep.objects.filter(tenant=tenant, name=name, status=done).exists()


def steps_to_do(tenant: Tenant) -> Iterator[tuple[str, StepWork]]:
    """Those after the schema, without the ones that are done."""
    done = set(
        ProvisioningStep.objects.filter(
            tenant=tenant, status=ProvisioningStep.Status.DONE
        ).values_list("name", flat=True)
    )
    return ((name, run) for name, run in _steps_of(tenant) if name not in done)


def _steps_of(tenant: Tenant) -> list[tuple[str, StepWork]]:
    return [*_sandbox_steps, *_steps] if tenant.is_sandbox else _steps


@contextmanager
def noted(tenant: Tenant, name: str) -> Iterator[list[str]]:
    """Keeps when the step began, and how it ended; what is put into the list stands beside it."""
    step = ProvisioningStep.objects.filter(tenant=tenant, name=name)
    status = ProvisioningStep.Status
    said: list[str] = []
    step.update(status=status.RUNNING, started_at=timezone.now(), finished_at=None, error="")
    try:
        yield said
    except Exception as error:
        step.update(status=status.FAILED, finished_at=timezone.now(), error=f"{error}"[:2000])
        raise
    step.update(status=status.DONE, finished_at=timezone.now(), error=" ".join(said)[:2000])


def say_of_step(tenant: Tenant, name: str, said: str) -> None:
    """What has come to hold of a step that is done, by other ways than provisioning."""
    ProvisioningStep.objects.filter(
        tenant=tenant, name=name, status=ProvisioningStep.Status.DONE
    ).update(error=said[:2000])
