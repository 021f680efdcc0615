"""What a run does to the tenants: all of them, once, and like Django itself."""

from tenants.fingerprint import current_fingerprint
from tenants.fleet.run import migrate_fleet
from tenants.models import Tenant
from tests.integration.tenants.fleet.conftest import Later, Unseen, last_run, query

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

    summary = migrate_fleet(display=Unseen(), jobs=2)

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

    again = migrate_fleet(display=Unseen())

    assert (again.total, again.skipped) == (0, 3)
    assert last_run() == run
