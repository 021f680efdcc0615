"""Rights: to what is new, to everything where what is declared changed, and on demand."""

from typing import Any

import pytest

from tenants import fingerprint, grants
from tenants.fleet.run import migrate_fleet
from tenants.models import Tenant
from tests.integration.tenants.fleet.conftest import NAME, Later, query

TOUR = """[
    migrations.CreateModel('Tour', [('id', models.BigAutoField(primary_key=True))]),
    migrations.CreateModel('TourLog', [('id', models.UUIDField(primary_key=True))]),
]"""


@pytest.fixture(autouse=True)
def _same_declarations(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(grants, "APPEND_ONLY", list(grants.APPEND_ONLY))
    monkeypatch.setattr(
        grants, "_shared", {name: dict(rights) for name, rights in grants._shared.items()}
    )
    yield
    fingerprint.current_fingerprint.cache_clear()


def rights(slug: str, table: str) -> set[str]:
    rows = query(
        "SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p"
        " WHERE has_table_privilege(%s, %s, p)",
        f"{NAME}_t_{slug}",
        f"t_{slug}.{table}",
    )
    return {row[0] for row in rows}


@pytest.mark.parametrize("slug", ["north", "south", "yard"])
def test_a_new_table_is_the_tenants(database: None, later: Later, slug: str) -> None:
    later("orders", "0003_tour", operations=TOUR)

    assert migrate_fleet().done == 3

    assert rights(slug, "orders_tour") == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert query(
        "SELECT has_sequence_privilege(%s, %s, 'USAGE')",
        f"{NAME}_t_{slug}",
        f"t_{slug}.orders_tour_id_seq",
    ) == [(True,)]


@pytest.mark.parametrize("slug", ["north", "south", "yard"])
def test_a_new_table_that_is_append_only_is_so_at_once(
    database: None, later: Later, slug: str
) -> None:
    later("orders", "0003_tour", operations=TOUR)
    grants.keep_append_only("orders_tourlog")
    fingerprint.current_fingerprint.cache_clear()
    # Not by what changed in the declaration, which renews everything.
    Tenant.objects.using("owner").update(
        schema_fingerprint="0" * fingerprint.OF_MIGRATIONS
        + fingerprint.current_fingerprint()[fingerprint.OF_MIGRATIONS :]
    )

    assert migrate_fleet().done == 3

    assert rights(slug, "orders_tourlog") == {"SELECT", "INSERT"}


def test_a_declaration_that_changed_reaches_every_tenant(database: None) -> None:
    assert migrate_fleet().total == 0
    grants.keep_append_only("orders_order")
    fingerprint.current_fingerprint.cache_clear()

    summary = migrate_fleet()

    assert (summary.done, summary.failed) == (3, 0)
    assert rights("south", "orders_order") == {"SELECT", "INSERT"}


def test_a_declaration_for_the_shared_schema_touches_no_tenant(database: None) -> None:
    grants.let_tenants("SELECT", "tenants_domain", ["domain"])

    summary = migrate_fleet()

    assert (summary.total, summary.shared_was_current) == (0, False)
    assert query(
        "SELECT has_column_privilege(%s, 'public.tenants_domain', 'domain', 'SELECT')",
        f"{NAME}_t_north",
    ) == [(True,)]
    assert migrate_fleet().shared_was_current


def test_what_somebody_took_away_is_given_back_on_demand(database: None) -> None:
    query(f"REVOKE ALL ON t_south.orders_order FROM {NAME}_t_south")
    assert migrate_fleet().total == 0

    assert migrate_fleet(renew_rights=True).done == 3

    assert rights("south", "orders_order") == {"SELECT", "INSERT", "UPDATE", "DELETE"}
