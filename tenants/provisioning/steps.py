"""What provisioning does after the rows: registered from above, run in order, each one noted.

A *seed* puts the same rows into every tenant, so it is done once, in the template, and copied. A
*step* is done for each tenant by itself, after its schema stands: an n8n workspace, for example.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.utils import timezone

from controlplane.core.actor import Actor, system
from tenants.models import ProvisioningStep, Tenant

SCHEMA = "schema"
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

    `stands` says that the schema was made in the same transaction.
    """
    now = timezone.now()
    status = ProvisioningStep.Status
    made = {"status": status.DONE, "started_at": now, "finished_at": now} if stands else {}
    ProvisioningStep.objects.using(using).bulk_create(
        [
            ProvisioningStep(tenant=tenant, name=SCHEMA, **made),
            *(ProvisioningStep(tenant=tenant, name=name) for name, _run in _steps),
        ],
        ignore_conflicts=True,
    )


def begin_again(tenant: Tenant) -> None:
    """Where everything is done, everything is looked at once more: an n8n may have come since."""
    steps = ProvisioningStep.objects.filter(tenant=tenant)
    if not steps.exclude(status=ProvisioningStep.Status.DONE).exists():
        steps.update(status=ProvisioningStep.Status.PENDING, started_at=None, finished_at=None)


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
    return ((name, run) for name, run in _steps if name not in done)


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
