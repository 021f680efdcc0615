"""A new tenant: by stock django-tenants, by compiled statements, and from a spare, in alternation.

Each ends with the same tenant: shared rows, domain, schema, role, rights, starter rows, an entry in
the audit trail, an API key. n8n's part is left out on all sides. What differs between the schemas
that came of it is counted in lines of pg_dump.
"""

import difflib
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from bench.run import Report, percentile

ROOT = Path(__file__).resolve().parent.parent
NEEDS_DATA = False
ROUNDS = 5
# Of a spare in each round of the race, and in a row for its slowest ones.
TAKES, TAKES_IN_A_ROW = 10, 200
BATCH = 50
SCOPES = ("orders:review",)


def run(data: Path, report: Report) -> dict[str, Any]:
    with _platform():
        race = _race(report)
        in_a_row = _in_a_row(report)
        differing = _differing_lines(report)
    medians = {name: statistics.median(seconds) for name, seconds in race.items()}
    stock = medians["stock django-tenants"]
    spares = [*race["a spare"], *in_a_row]
    report.table(
        f"One tenant (medians; {ROUNDS} rounds in alternation, {TAKES} spares in each)",
        ["who", "median ms", "fastest ms", "slowest ms", "times faster than stock"],
        [
            [name, medians[name] * 1000, min(all_) * 1000, max(all_) * 1000, stock / medians[name]]
            for name, all_ in race.items()
        ],
    )
    report.table(
        f"{len(in_a_row)} spares, one after the other",
        ["p50 ms", "p95 ms", "p99 ms", "slowest ms"],
        [[percentile(in_a_row, percent) * 1000 for percent in (50, 95, 99, 100)]],
    )
    return {
        "spare_ratio": round(stock / statistics.median(spares), 1),
        "compiled_ratio": round(stock / medians["compiled statements"], 1),
        "dump_diff_lines": differing,
        "spare_p99_ms": round(percentile(in_a_row, 99) * 1000, 1),
    }


def _race(report: Report) -> dict[str, list[float]]:
    from tenants.provisioning.spares import fill_pool

    runners: dict[str, Callable[[str], None]] = {
        "stock django-tenants": _by_stock,
        "compiled statements": _at_once,
        "a spare": _at_once,
    }
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(-1, ROUNDS):
        # Every second round runs backwards, so that nobody always goes first.
        for name in list(runners)[:: 1 if number % 2 else -1]:
            times = TAKES if name == "a spare" else 1
            fill_pool(size=times if name == "a spare" else 0)
            for take in range(times):
                slug = f"{name[0]}{number + 1}-{take}"
                seconds = _seconds(runners[name], slug)
                if number >= 0:  # one unmeasured round first
                    taken[name].append(seconds)
                    report.row(measure="race", name=name, round=number, seconds=seconds)
    return taken


def _in_a_row(report: Report) -> list[float]:
    """Refilled in batches between the measurements, as the task does it."""
    from tenants.provisioning.spares import fill_pool

    taken = []
    for number in range(TAKES_IN_A_ROW):
        if number % BATCH == 0:
            fill_pool(size=BATCH)
        taken.append(_seconds(_at_once, f"row-{number}"))
        report.row(measure="in a row", name="a spare", round=number, seconds=taken[-1])
    return taken


def _seconds(make: Callable[[str], None], slug: str) -> float:
    began = time.perf_counter()
    make(slug)
    return time.perf_counter() - began


def _at_once(slug: str) -> None:
    from controlplane.core.actor import system
    from tenants.models import Partner
    from tenants.provisioning import FirstKey, create_tenant

    partner = Partner.objects.get(slug="bench")
    key = FirstKey("first", SCOPES)
    create_tenant(slug=slug, name=slug, partner=partner, first_key=key, by=system("bench"))


def _by_stock(slug: str) -> None:
    """As django-tenants has it: the rows by `save()`, the schema by `migrate_schemas`."""
    from django.core.management import call_command
    from django.db import connections

    from controlplane.audit.services import record
    from controlplane.core.actor import system
    from tenants import grants
    from tenants.context import inside
    from tenants.models import ApiKey, Domain, Engagement, Ownership, Partner, Tenant
    from tenants.provisioning.steps import run_seeds

    partner = Partner.objects.get(slug="bench")
    tenant = Tenant.objects.create(slug=slug, schema_name=_schema(slug), name=slug)
    Domain.objects.create(domain=f"{slug}.localhost", tenant=tenant, is_primary=True)
    engagement = Engagement.objects.create(partner=partner, tenant=tenant, is_lead=True)
    for area in Ownership.Area.values:
        Ownership.objects.create(engagement=engagement, tenant=tenant, area=area)
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {tenant.schema_name}")
    call_command(
        "migrate_schemas",
        schema_name=tenant.schema_name,
        database="owner",
        interactive=False,
        verbosity=0,
    )
    grants.grant_tenant(tenant)
    run_seeds(tenant)
    ApiKey.issue(tenant=tenant, name="first", scopes=list(SCOPES))
    with inside(tenant):
        record(
            action="tenant.created",
            subject_type="tenant",
            subject_id=str(tenant.pk),
            data={"slug": slug},
            by=system("bench"),
        )
    Tenant.objects.filter(pk=tenant.pk).update(status=Tenant.Status.ACTIVE)


def _schema(slug: str) -> str:
    return f"t_{slug.replace('-', '_')}"


def _differing_lines(report: Report) -> int:
    """Of the compiled one and the one that was a spare, against the migrated one."""
    stock, *others = (_dump(_schema(f"{letter}1-0")) for letter in "sca")
    lines = [
        line
        for other in others
        for line in difflib.unified_diff(stock, other, lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    for line in lines[:20]:
        report.say(line)
    report.say(f"\npg_dump of a tenant has {len(stock)} lines; {len(lines)} differ")
    return len(lines)


def _dump(schema: str) -> list[str]:
    from django.db import connections

    from deploy.embedded.postgres import binary_folder

    owner = connections["owner"].settings_dict
    done = subprocess.run(
        [str(binary_folder() / "pg_dump"), "--schema-only", "-n", schema, owner["NAME"]],
        env={
            "PGHOST": owner["HOST"],
            "PGPORT": str(owner["PORT"]),
            "PGUSER": owner["USER"],
            "PGPASSWORD": owner["PASSWORD"],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"pg_dump of {schema} failed: {done.stderr.strip()}")
    return [
        line.replace(schema, "SCHEMA")
        for line in done.stdout.splitlines()
        # A password against hostile dumps, another each time.
        if not line.startswith(("\\restrict", "\\unrestrict"))
    ]


@contextmanager
def _platform() -> Iterator[None]:
    """A PostgreSQL of the bench's own, safe against power cuts as production's is; no tenants."""
    from deploy.embedded.progress import Silent
    from deploy.embedded.stack import Stack

    var = ROOT / "var" / "bench-provisioning"
    (ROOT / "var" / "static").mkdir(parents=True, exist_ok=True)
    stack = Stack(ROOT, var=var, reporter=Silent(), environ={})
    with stack:
        stack.start(n8n=False)
        os.environ.update(
            stack.environment(),
            DJANGO_SETTINGS_MODULE="controlplane.settings",
            DATABASE_POOL="false",
            LOG_LEVEL="ERROR",
            FILES_ROOT=str(var / "files"),
        )
        _start_over(os.environ["DATABASE_OWNER_URL"])
        import django

        django.setup()
        from django.core.management import call_command

        from tenants.models import Partner

        call_command("migrate_fleet", stdout=StringIO())
        Partner.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
        yield


def _start_over(owner_url: str) -> None:
    """An empty database, and none of the roles that an earlier run's tenants had."""
    import psycopg

    address, _slash, name = owner_url.rpartition("/")
    with psycopg.connect(f"{address}/postgres", autocommit=True) as owner:
        owner.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        left = owner.execute(
            "SELECT rolname FROM pg_roles WHERE rolname ~ ('^' || %s || '_(t|spare|template)_')",
            [name],
        )
        for (role,) in left.fetchall():
            owner.execute(f'DROP ROLE "{role}"')
        owner.execute(f"CREATE DATABASE {name}")
        owner.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        owner.execute(f"GRANT CONNECT ON DATABASE {name} TO pergola_app")
