"""What goes wrong in one tenant stops no other, is said clearly, and is done by the next run."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from tenants.fingerprint import current_fingerprint
from tenants.fleet.behind import tenants_behind
from tenants.fleet.crew import Outcome
from tenants.fleet.display import Silent
from tenants.fleet.run import migrate_fleet
from tenants.fleet.sessions import only_one
from tenants.models import FleetResult, Tenant
from tests.integration.tenants.fleet.conftest import NAME, Later, last_run, owner_url, query
from tests.integration.tenants.fleet.slim import make_slim_tenants

GIFTS = "[migrations.AddField('order', 'gift_note', models.TextField(db_default=''))]"
# The first migration stands where the second one cannot be applied.
TWO = """[
    migrations.AddField('order', 'gift_note', models.TextField(db_default='')),
    migrations.AddConstraint('order', models.CheckConstraint(
        condition=~models.Q(number='BAD'), name='order_is_good')),
]"""


def columns(schema: str) -> set[str]:
    rows = query(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = 'orders_order'",
        schema,
    )
    return {row[0] for row in rows}


def add_bad_order(schema: str) -> None:
    query(
        f"INSERT INTO {schema}.orders_order (id, created_at, updated_at, source_slug, external_id,"
        " number, placed_at, currency, subtotal, discounts, shipping, tax, total, refunded,"
        " financial_status, fulfillment_status, buyer_name, buyer_email, buyer_phone,"
        " buyer_company, tags, note, is_test, problems, status, verdict, reasons, outcome,"
        " outcome_note) VALUES (gen_random_uuid(), now(), now(), 'shop', '1', 'BAD', now(), 'EUR',"
        " 0, 0, 0, 0, 0, 0, '', '', 'Ada', '', '', '', '[]', '', false, '[]', 'received', '', '[]',"
        " '', '')"
    )


@contextmanager
def reading(schema: str) -> Iterator[None]:
    """A report that reads and reads, in a transaction of its own."""
    with psycopg.connect(owner_url(NAME), application_name="monthly report") as report:
        report.execute(f"SELECT count(*) FROM {schema}.orders_order WHERE number = 'secret 4711'")
        yield


class Counting(Silent):
    def __init__(self, each: Callable[[int], object]) -> None:
        self.count, self._each = 0, each

    def show(self, outcome: Outcome) -> None:
        self.count += 1
        self._each(self.count)


def test_number_57_of_200_fails_alone_and_is_mended_by_a_rerun(
    database: None, later: Later
) -> None:
    make_slim_tenants(200)
    add_bad_order("t_slim_057")
    later("orders", "0009_gifts", operations=TWO)
    out = StringIO()

    with pytest.raises(CommandError) as failed:
        call_command("migrate_fleet", jobs=2, stdout=out)

    text = str(failed.value)
    assert failed.value.returncode == 1
    assert "1 of 203 tenants could not be migrated" in text
    assert "slim-057: orders.0009_gifts: CheckViolation:" in text
    assert "order_is_good" in text
    assert "run migrate_fleet again" in text
    assert "Ada" not in text
    assert "202 migrated, 1 failed" in out.getvalue()
    # Nothing half-made, and everybody else has it.
    assert "gift_note" not in columns("t_slim_057")
    assert "gift_note" in columns("t_slim_058")
    assert [row.slug for row in tenants_behind()] == ["slim-057"]
    assert last_run().results.using("owner").exclude(error="").count() == 1

    query("DELETE FROM t_slim_057.orders_order")
    summary = migrate_fleet()

    assert (summary.total, summary.done, summary.skipped) == (1, 1, 202)
    assert "gift_note" in columns("t_slim_057")


def test_the_first_of_all_may_fail_too(database: None, later: Later, north: Tenant) -> None:
    add_bad_order("t_north")
    later("orders", "0009_gifts", operations=TWO)

    summary = migrate_fleet(jobs=1)

    assert [outcome.tenant.slug for outcome in summary.failures] == ["north"]
    assert (summary.done, summary.failed) == (2, 1)


def test_a_report_that_holds_a_table_is_named(database: None, later: Later) -> None:
    later("orders", "0009_gifts", operations=GIFTS)

    with reading("t_south"):
        summary = migrate_fleet(lock_timeout=0.1, tries=2, wait=0.05)

    (outcome,) = summary.failures
    assert outcome.failure is not None
    assert (outcome.tenant.slug, summary.done) == ("south", 2)
    told = outcome.failure.text
    assert "its tables are locked" in told
    assert "(monthly report, as pergola_owner) holds orders_order" in told
    assert "its query began 2" in told
    assert "4711" not in told.replace("session 4711", "")
    assert "pg_terminate_backend" in outcome.failure.what_to_do
    assert "gift_note" not in columns("t_south")
    assert migrate_fleet().done == 1


def test_a_report_that_ends_costs_only_time(database: None, later: Later) -> None:
    later("orders", "0009_gifts", operations=GIFTS)
    report = reading("t_south")
    report.__enter__()

    def end_report(count: int) -> None:
        if count == 2:  # all but that one
            report.__exit__(None, None, None)

    summary = migrate_fleet(
        display=Counting(end_report), jobs=3, lock_timeout=0.1, tries=8, wait=0.05
    )

    assert (summary.done, summary.failed) == (3, 0)


def test_who_is_being_provisioned_waits(database: None, later: Later, south: Tenant) -> None:
    later("orders", "0009_gifts", operations=GIFTS)
    with psycopg.connect(owner_url(NAME)) as other:
        other.execute(
            "SELECT pg_advisory_lock(hashtext('tenants.provision'), hashtext(%s))",
            [str(south.pk)],
        )
        summary = migrate_fleet(tries=2, wait=0.05)

    (outcome,) = summary.failures
    assert outcome.failure is not None
    assert "just being provisioned" in outcome.failure.text


def test_a_second_run_at_once_says_so(database: None) -> None:
    with (
        only_one(),
        pytest.raises(CommandError, match=r"Another migrate_fleet .*session \d+, since"),
    ):
        call_command("migrate_fleet")


def test_ctrl_c_finishes_what_runs_and_leaves_the_rest(database: None, later: Later) -> None:
    make_slim_tenants(30)
    later("orders", "0009_gifts", operations=GIFTS)

    def interrupt(count: int) -> None:
        if count == 5:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    summary = migrate_fleet(display=Counting(interrupt), jobs=2)

    assert summary.was_stopped
    assert signal.getsignal(signal.SIGINT) is before
    assert 5 <= summary.done < 33
    assert tenants_behind().count() == 33 - summary.done
    done = query("SELECT count(*) FROM pg_attribute WHERE attname = 'gift_note'")[0][0]
    assert done == summary.done
    assert migrate_fleet().done == 33 - summary.done


def test_the_command_says_that_it_was_stopped(
    database: None, later: Later, monkeypatch: Any
) -> None:
    later("orders", "0009_gifts", operations=GIFTS)
    monkeypatch.setattr("tenants.fleet.crew.Crew.is_stopped", property(lambda crew: True))

    with pytest.raises(CommandError, match="Stopped with 3 tenants left") as stopped:
        call_command("migrate_fleet", stdout=StringIO())

    assert stopped.value.returncode == 130


def test_a_data_migration_that_raises_takes_everything_of_its_tenant_back(
    database: None, later: Later
) -> None:
    later("orders", "0009_gifts", operations=GIFTS)
    later(
        "orders",
        "0010_count",
        before=(
            "def count(apps, schema_editor):\n"
            "    Order = apps.get_model('orders', 'Order')\n"
            "    if schema_editor.connection.schema_name == 't_south':\n"
            "        raise SystemExit('cannot count')\n"
        ),
        operations="[migrations.RunPython(count)]",
    )

    summary = migrate_fleet()

    (outcome,) = summary.failures
    assert outcome.failure is not None
    assert outcome.failure.text == "orders.0010_count: SystemExit: cannot count"
    assert "gift_note" not in columns("t_south")
    assert "gift_note" in columns("t_north")


def test_a_state_that_was_changed_by_hand_is_seen(database: None, later: Later) -> None:
    """The row's fingerprint is a hint: what the schema says itself counts."""
    later("orders", "0009_gifts", operations=GIFTS)
    call_command(
        "migrate_schemas", schema_name="t_north", database="owner", interactive=False, verbosity=0
    )

    summary = migrate_fleet()

    assert (summary.done, summary.failed) == (3, 0)
    assert Tenant.objects.using("owner").get(slug="north").schema_fingerprint == (
        current_fingerprint()
    )
    assert FleetResult.objects.using("owner").filter(run=last_run()).count() == 3
