"""Migrating a fleet: ours against stock `migrate_schemas`, and a run in which nothing is to do.

The pending migration adds a column and an index to a tenant's table of orders. Stock django-tenants
takes a second or more for each tenant, so it migrates a sample; every round both start from the
same state.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.run import Report

NEEDS_DATA = False
ROOT = Path(__file__).resolve().parent.parent
TENANTS = 200
STOCK_SAMPLE = 10
NO_OP_TENANTS = 1000
ROUNDS = 3
JOBS = 4
NAME = "9000_bench"
MIGRATION = f'''
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("orders", "{{last}}")]
    operations = [
        migrations.AddField("order", "bench_note", models.TextField(db_default="")),
        migrations.AddIndex(
            "order", models.Index(fields=["currency", "-placed_at"], name="{NAME[5:]}_order")
        ),
    ]
'''


def run(data: Path, report: Report) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, _database():
        later = Path(folder)
        template = _template()
        began = time.perf_counter()
        _make_tenants(template, 0, TENANTS)
        report.say(f"{TENANTS} tenants in {time.perf_counter() - began:.0f} s")
        ratio = _race(later, report)
        few = _child(later, report, "peak memory", TENANTS)
        _roll_back()
        _make_tenants(template, TENANTS, NO_OP_TENANTS)
        many = _child(later, report, "peak memory", NO_OP_TENANTS)
        _roll_back()
        no_op = _no_op(report)
        report.table(
            "A process of its own: start of Python, shared schema and all",
            ["what", "tenants", "s", "peak RSS MB"],
            [
                ["AddField and AddIndex", TENANTS, few["seconds"], few["rss_mb"]],
                ["AddField and AddIndex", NO_OP_TENANTS, many["seconds"], many["rss_mb"]],
                ["nothing to do", NO_OP_TENANTS, no_op["seconds"], no_op["rss_mb"]],
            ],
        )
    return {
        "ratio": round(ratio, 1),
        "noop_1000_s": round(no_op["seconds"], 2),
        "peak_rss_mb": round(many["rss_mb"], 1),
    }


def _race(later: Path, report: Report) -> float:
    """How many times stock's tenants a second ours does, everything but Python's start included."""
    from tenants.fleet.run import migrate_fleet

    ours, stock = [], []
    with _pending(later):
        for number in range(ROUNDS):
            # Every second round runs backwards, so that nobody always goes first.
            for who in ("ours", "stock") if number % 2 == 0 else ("stock", "ours"):
                began = time.perf_counter()
                if who == "ours":
                    summary = migrate_fleet(jobs=JOBS)
                    assert (summary.done, summary.failed) == (TENANTS, 0), summary
                else:
                    _stock(STOCK_SAMPLE)
                seconds = time.perf_counter() - began
                count = TENANTS if who == "ours" else STOCK_SAMPLE
                (ours if who == "ours" else stock).append(count / seconds)
                report.row(measure="race", name=who, round=number, seconds=seconds, tenants=count)
                _roll_back()
    ratio = statistics.median(ours) / statistics.median(stock)
    report.table(
        f"AddField and AddIndex, {TENANTS} tenants (median of {ROUNDS}, in alternation; stock on "
        f"{STOCK_SAMPLE} of them)",
        ["who", "tenants/s", "lowest", "highest", "times stock"],
        [
            ["pergola", statistics.median(ours), min(ours), max(ours), ratio],
            ["migrate_schemas", statistics.median(stock), min(stock), max(stock), 1.0],
        ],
    )
    return ratio


def _stock(count: int) -> None:
    from django.core.management import call_command

    for number in range(count):
        call_command(
            "migrate_schemas",
            schema_name=f"t_bench_{number:04}",
            database="owner",
            interactive=False,
            verbosity=0,
        )


def _no_op(report: Report) -> dict[str, float]:
    """The command as a deployment calls it."""
    runs, cpu = [], []
    for number in range(ROUNDS):
        began, used = time.perf_counter(), _cpu_of_children()
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate_fleet"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        runs.append(time.perf_counter() - began)
        cpu.append(_cpu_of_children() - used)
        assert f"{NO_OP_TENANTS} were up to date" in done.stdout, done.stdout
        report.row(measure="nothing to do", round=number, seconds=runs[-1], tenants=NO_OP_TENANTS)
    report.say(f"nothing to do: {statistics.median(cpu):.2f} s of CPU, most of it Python's imports")
    # The largest child so far would hide it: asked of one that only does this.
    rss = _run_child(["--no-op"])["rss_mb"]
    return {"seconds": statistics.median(runs), "rss_mb": rss}


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _child(later: Path, report: Report, measure: str, count: int) -> dict[str, float]:
    """A whole run in a process of its own, which says how much memory it took at most."""
    figures = _run_child([str(later)])
    assert figures["done"] == count, figures
    report.row(measure=measure, tenants=count, **figures)
    return figures


def _run_child(arguments: Sequence[str]) -> dict[str, float]:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "bench.fleet", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    figures: dict[str, float] = json.loads(done.stdout)
    return {**figures, "seconds": time.perf_counter() - began}


def _in_child(arguments: Sequence[str]) -> None:
    import django

    django.setup()
    from contextlib import nullcontext

    from tenants.fleet.run import migrate_fleet

    with nullcontext() if arguments == ["--no-op"] else _pending(Path(arguments[0])):
        summary = migrate_fleet(jobs=JOBS)
    assert not summary.failed, summary
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"done": summary.done, "rss_mb": peak}))


@contextmanager
def _database() -> Iterator[None]:
    """A PostgreSQL of its own, which nothing else disturbs and which is gone afterwards."""
    from deploy.embedded.progress import Silent
    from deploy.embedded.stack import Stack

    var = ROOT / "var" / "bench-fleet"
    shutil.rmtree(var, ignore_errors=True)
    try:
        with Stack(ROOT, var=var, durable=False, reporter=Silent(), environ={}) as stack:
            stack.start(redis=False, n8n=False)
            os.environ.update(
                stack.environment(),
                DJANGO_SETTINGS_MODULE="controlplane.settings",
                DATABASE_POOL="false",
                LOG_LEVEL="ERROR",
                REDIS_URL="redis://127.0.0.1:1/0",  # never called
            )
            import django

            django.setup()
            try:
                yield
            finally:
                from django.db import connections

                connections.close_all()
    finally:
        shutil.rmtree(var, ignore_errors=True)


def _template() -> str:
    """The statements that make a tenant's schema, with TENANT where its name stands."""
    from django.core.management import call_command

    from deploy.embedded.postgres import binary_folder
    from tenants.models import Tenant
    from tenants.provisioning import build_schema

    with open(os.devnull, "w") as unread:
        call_command("migrate_fleet", stdout=unread)
    build_schema(Tenant.objects.create(slug="template", schema_name="t_template", name="Template"))
    dump = subprocess.run(
        [binary_folder() / "pg_dump", "-s", "-O", "-x", "-n", "t_template", "-d", _url()],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    Tenant.objects.all().delete()
    lines = [
        line
        for line in dump.stdout.splitlines()
        if line and not line.startswith(("\\", "--", "SET ", "SELECT pg_catalog."))
    ]
    return "\n".join(lines).replace("t_template", "TENANT")


def _make_tenants(template: str, first: int, last: int) -> None:
    """Rows and schemas with the numbers from `first` up to `last`, as if just migrated."""
    import psycopg

    from controlplane.core.models import new_id
    from tenants.fingerprint import current_fingerprint
    from tenants.models import Tenant

    def make(number: int) -> None:
        schema = f"t_bench_{number:04}"
        with psycopg.connect(_url()) as owner:
            owner.execute(template.replace("TENANT", schema))
            owner.execute(
                f"INSERT INTO {schema}.django_migrations (app, name, applied) SELECT app, name,"  # noqa: S608
                " applied FROM t_template.django_migrations ORDER BY id"
            )

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(make, range(first, last)))
    Tenant.objects.bulk_create(
        Tenant(
            id=new_id(), slug=f"bench-{number:04}", schema_name=f"t_bench_{number:04}",
            name=f"Bench {number}", status="active", schema_fingerprint=current_fingerprint(),
        )
        for number in range(first, last)
    )  # fmt: skip
    _sql("ANALYZE")


@contextmanager
def _pending(folder: Path) -> Iterator[None]:
    """With one more migration of orders than the code has."""
    from django.conf import settings

    from controlplane.orders import migrations
    from tenants import fingerprint

    def forget() -> None:
        fingerprint.known_migrations.cache_clear()
        fingerprint.current_fingerprint.cache_clear()

    module = folder / "bench_orders"
    if not module.exists():
        own = Path(migrations.__file__ or "").parent
        last = sorted(path.stem for path in own.glob("0*.py"))[-1]
        shutil.copytree(own, module, ignore=shutil.ignore_patterns("__pycache__"))
        (module / f"{NAME}.py").write_text(MIGRATION.format(last=last))
    before = settings.MIGRATION_MODULES
    sys.path.insert(0, str(folder))
    settings.MIGRATION_MODULES = {**before, "orders": "bench_orders"}
    forget()
    try:
        yield
    finally:
        settings.MIGRATION_MODULES = before
        sys.path.remove(str(folder))
        forget()


def _roll_back() -> None:
    """Every schema as it was; without the code's help, so that it costs neither anything."""
    from tenants.models import Tenant

    for schema in ("public", *Tenant.objects.values_list("schema_name", flat=True)):
        if schema != "public":
            _sql(f"ALTER TABLE {schema}.orders_order DROP COLUMN IF EXISTS bench_note")
            _sql(f"DROP INDEX IF EXISTS {schema}.{NAME[5:]}_order")
        _sql(f"DELETE FROM {schema}.django_migrations WHERE name = '{NAME}'")  # noqa: S608
    Tenant.objects.update(schema_fingerprint=_fingerprint_without())


def _fingerprint_without() -> str:
    from django.conf import settings

    from tenants import fingerprint

    pending, settings.MIGRATION_MODULES = settings.MIGRATION_MODULES, {}
    for cached in (fingerprint.known_migrations, fingerprint.current_fingerprint):
        cached.cache_clear()
    try:
        return fingerprint.current_fingerprint()
    finally:
        settings.MIGRATION_MODULES = pending
        for cached in (fingerprint.known_migrations, fingerprint.current_fingerprint):
            cached.cache_clear()


def _sql(statement: str) -> None:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def _url() -> str:
    return os.environ["DATABASE_OWNER_URL"]


if __name__ == "__main__":
    _in_child(sys.argv[1:])
