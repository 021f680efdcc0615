"""While some tenants are migrated and others not, the release before goes on in both."""

import pytest
from django.db import IntegrityError
from django.test import Client

from controlplane.orders.models import Order
from tenants.context import inside
from tenants.fleet.run import migrate_fleet
from tenants.lookup import tenant_by_slug
from tests.factories.approvals import make_order
from tests.integration.tenants.fleet.conftest import Later, query

# The first is added as the lint wants it, the second as Django's autodetector would.
WITH_DEFAULT = "[migrations.AddField('order', 'gift_note', models.TextField(db_default=''))]"
WITHOUT = "[migrations.AddField('order', 'gift_note', models.TextField(default=''))]"


def migrate_half(later: Later, operations: str) -> None:
    later("orders", "0003_gifts", operations=operations)
    assert migrate_fleet(slugs=["north"]).done == 1


@pytest.mark.parametrize("slug", ["north", "south"])
def test_old_code_writes_and_reads_in_both(database: None, later: Later, slug: str) -> None:
    """This process is the old code: its model knows no such column, so its INSERT names none."""
    migrate_half(later, WITH_DEFAULT)

    with inside(tenant_by_slug(slug)):
        number = make_order().number
        assert Order.objects.get().number == number


@pytest.mark.parametrize("slug", ["north", "south"])
def test_the_portal_answers_in_both(database: None, later: Later, slug: str) -> None:
    migrate_half(later, WITH_DEFAULT)

    client = Client(headers={"host": f"{slug}.localhost"})

    assert client.get("/accounts/login/").status_code == 200


def test_new_code_is_ready_before_its_tenants_are(database: None, later: Later) -> None:
    later("orders", "0003_gifts", operations=WITH_DEFAULT)
    ready = Client(headers={"host": "localhost"})
    assert "migrate_fleet" in ready.get("/readyz").json()["checks"]["database"]

    assert migrate_fleet(slugs=["north"]).done == 1

    assert ready.get("/readyz").status_code == 200


def test_without_a_default_in_the_database_old_code_breaks(database: None, later: Later) -> None:
    """What the lint of migrations is for."""
    migrate_half(later, WITHOUT)

    with inside(tenant_by_slug("north")), pytest.raises(IntegrityError, match="gift_note"):
        make_order()


def test_it_goes_on_where_it_stopped(database: None, later: Later) -> None:
    migrate_half(later, WITH_DEFAULT)

    assert (rest := migrate_fleet()).done == 2
    assert rest.skipped == 1
    assert {row[0] for row in query(
        "SELECT table_schema FROM information_schema.columns WHERE column_name = 'gift_note'"
    )} == {"t_north", "t_south", "t_yard"}  # fmt: skip
