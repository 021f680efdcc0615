"""What a run does to the tenants: all of them, once, and like Django itself."""

from io import StringIO
from typing import Any

from django.core.management import call_command

from tenants.context import inside
from tenants.fingerprint import current_fingerprint
from tenants.fleet.crew import Outcome
from tenants.fleet.display import Silent, display_for
from tenants.fleet.failures import Failure
from tenants.fleet.run import migrate_fleet
from tenants.lookup import tenant_by_slug
from tenants.models import Tenant
from tests.factories.approvals import make_order
from tests.integration.tenants.fleet.conftest import Later, last_run, query
from tests.integration.tenants.fleet.slim import TABLES, make_slim_tenants

NOTE = "[migrations.AddField('order', 'gift_note', models.TextField(db_default=''))]"


def has_column(tenant: str, table: str, column: str) -> bool:
    return bool(
        query(
            "SELECT 1 FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = %s AND column_name = %s",
            f"t_{tenant}", table, column,
        )
    )  # fmt: skip


def test_every_tenant_gets_what_is_new(database: None, later: Later) -> None:
    later("orders", "0003_gift_note", operations=NOTE)

    summary = migrate_fleet(jobs=2)

    assert summary.failures == []
    assert (summary.total, summary.done, summary.failed, summary.skipped) == (3, 3, 0, 0)
    assert all(has_column(slug, "orders_order", "gift_note") for slug in ("north", "south", "yard"))
    assert set(Tenant.objects.using("owner").values_list("schema_fingerprint", flat=True)) == {
        current_fingerprint()
    }
    run = last_run()
    assert (run.total, run.done, run.failed) == (3, 3, 0)
    assert run.finished_at is not None
    assert run.results.using("owner").filter(error="").count() == 3

    again = migrate_fleet()

    assert (again.total, again.skipped) == (0, 3)
    assert last_run() == run


def test_whatever_its_status_and_environment(database: None, later: Later) -> None:
    tenants = Tenant.objects.using("owner")
    tenants.filter(slug="north").update(status=Tenant.Status.SUSPENDED)
    tenants.filter(slug="south").update(status=Tenant.Status.LEAVING)
    tenants.filter(slug="yard").update(
        environment=Tenant.Environment.SANDBOX, sandbox_of=tenants.get(slug="north")
    )
    later("orders", "0003_gift_note", operations=NOTE)

    assert migrate_fleet().done == 3


def test_one_that_has_no_tables_yet_is_left_to_its_provisioning(database: None) -> None:
    Tenant.objects.using("owner").create(slug="new", schema_name="t_new", name="New")

    summary = migrate_fleet()

    assert (summary.total, summary.failed, summary.skipped) == (0, 0, 3)


def test_one_that_comes_meanwhile_is_migrated_too(database: None, later: Later) -> None:
    before = current_fingerprint()
    later("orders", "0003_gift_note", operations=NOTE)

    class Making(Silent):
        count = 0

        def show(self, outcome: Outcome) -> None:
            self.count += 1
            if self.count == 3:  # by old code, when everybody else is through
                make_slim_tenants(1, like="t_template")
                Tenant.objects.using("owner").filter(slug="slim-001").update(
                    schema_fingerprint=before
                )

    query("CREATE SCHEMA t_template")
    for table in TABLES:
        query(f"CREATE TABLE t_template.{table} (LIKE t_north.{table} INCLUDING ALL)")
    query("INSERT INTO t_template.django_migrations SELECT * FROM t_north.django_migrations")

    summary = migrate_fleet(display=Making())

    assert (summary.done, summary.failed, summary.total) == (4, 0, 4)
    assert has_column("slim_001", "orders_order", "gift_note")


def test_only_those_that_are_named(database: None, later: Later) -> None:
    later("orders", "0003_gift_note", operations=NOTE)

    summary = migrate_fleet(slugs=["south"])

    assert (summary.total, summary.done) == (1, 1)
    assert not has_column("north", "orders_order", "gift_note")


def test_keys_that_a_default_makes_differ_from_tenant_to_tenant(
    database: None, later: Later
) -> None:
    later(
        "orders",
        "0003_key",
        before="import uuid",
        operations="[migrations.AddField('order', 'key', models.UUIDField(default=uuid.uuid4))]",
    )
    for slug in ("north", "south"):
        with inside(tenant_by_slug(slug)):
            make_order()

    assert migrate_fleet().failures == []

    assert query("SELECT key FROM t_north.orders_order") != query(
        "SELECT key FROM t_south.orders_order"
    )


def test_nothing_to_do_asks_a_handful_of_queries(
    database: None, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6, using="owner"):
        migrate_fleet()


def test_the_plan_says_who_is_where_and_does_nothing(database: None, later: Later) -> None:
    later("orders", "0003_gift_note", operations=NOTE)
    migrate_fleet(slugs=["north"])
    later(
        "orders",
        "0004_fill",
        before="def fill(apps, schema_editor): ...",
        operations="[migrations.RunPython(fill)]",
    )
    Tenant.objects.using("owner").filter(slug="yard").update(schema_fingerprint="")
    out = StringIO()

    call_command("migrate_fleet", plan=True, stdout=out)

    assert out.getvalue().splitlines() == [
        "Shared schema: 1 to apply: orders.0004_fill",
        "Tenants: 3 of 3 are behind",
        "  2 like south:",
        "    orders.0003_gift_note",
        "    orders.0004_fill (by Django, in each tenant)",
        "  1 like north:",
        "    orders.0004_fill (by Django, in each tenant)",
    ]
    assert not has_column("south", "orders_order", "gift_note")


def test_a_log_gets_lines_and_a_terminal_a_bar(north: Tenant) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    failed = Outcome(north, 0.1, Failure("its tables are [locked]", "Wait.", True))
    for stream in (StringIO(), Terminal()):
        display = display_for(stream)
        display.start(2)
        display.show(Outcome(north, 0.1))
        display.show(failed)
        display.stop()
        assert "north: its tables are [locked]" in stream.getvalue()
        assert ("2/2" in stream.getvalue()) == stream.isatty()
