"""Recorded statements make the schema that Django makes: pg_dump says so."""

import re
import subprocess

import pytest
from django.core.management import call_command

from deploy.embedded.postgres import binary_folder
from tenants.context import inside
from tenants.fleet.run import migrate_fleet
from tenants.grants import grant_tenant
from tenants.models import Tenant
from tests.factories.approvals import make_order
from tests.integration.tenants.fleet.conftest import NAME, Later, owner_url, query

KEPT_APART = "yard"
TOUR = """[
    migrations.CreateModel('Tour', [
        ('id', models.UUIDField(primary_key=True)),
        ('name', models.CharField(max_length=40, db_default='')),
        ('order', models.ForeignKey('orders.order', models.CASCADE, related_name='tours')),
        ('more', models.ManyToManyField('orders.order', related_name='+')),
    ], options={
        'constraints': [
            models.UniqueConstraint(fields=['order', 'name'], name='tour_once'),
            models.CheckConstraint(condition=~models.Q(name='x%y'), name='tour_named'),
        ],
        'indexes': [models.Index(fields=['name'], name='tour_name')],
    }),
    migrations.AddField('order', 'gift_note', models.TextField(db_default='')),
    migrations.AddField('order', 'tour', models.ForeignKey(
        'orders.tour', models.SET_NULL, null=True, related_name='+')),
    migrations.AddField('order', 'gift_code', models.CharField(
        max_length=9, null=True, unique=True)),
]"""
# Django reads names of constraints out of the catalogue for these.
TURN = """[
    migrations.AlterField('order', 'gift_code', models.CharField(max_length=12, null=True)),
    migrations.AlterField('order', 'gift_note', models.TextField(db_default='', null=True)),
    migrations.RemoveField('order', 'tour'),
    migrations.RemoveConstraint('tour', 'tour_named'),
    migrations.AddField('tour', 'seats', models.IntegerField(default=7)),
    migrations.RunSQL(
        "CREATE TABLE orders_seat (n int, half numeric DEFAULT 50 % 3);"
        " INSERT INTO orders_seat SELECT 1; CREATE INDEX orders_seat_n ON orders_seat (n)"),
    migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunSQL("ALTER TABLE orders_tour ADD COLUMN raw int")],
        state_operations=[migrations.AddField('tour', 'raw', models.IntegerField(null=True))]),
]"""
FILL = """
def fill(apps, schema_editor):
    # No connection is named: it must go into the tenant all the same.
    apps.get_model('orders', 'Tour').objects.create(
        id='018f0000-0000-7000-8000-000000000001', seats=1, raw=2,
        order=apps.get_model('orders', 'Order').objects.order_by('pk').first())
"""
CONCURRENTLY = """
from django.contrib.postgres.operations import AddIndexConcurrently
"""
INDEX = "[AddIndexConcurrently('tour', models.Index(fields=['raw'], name='tour_raw'))]"


def dump(slug: str) -> list[str]:
    """The schema as statements, without its own name and that of its role."""
    done = subprocess.run(
        [binary_folder() / "pg_dump", "--schema-only", "--no-owner", "-n", f"t_{slug}",
         "-d", owner_url(NAME)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.replace(f"{NAME}_t_{slug}", "ROLE").replace(f"t_{slug}", "SCHEMA")
    return [line for line in lines.splitlines() if not re.match(r"\\(un)?restrict", line)]


@pytest.fixture
def three_ways(database: None, later: Later) -> None:
    """North is the first, south is replayed, the yard is stock Django's."""
    later("orders", "0003_tour", operations=TOUR)
    later("orders", "0004_turn", operations=TURN)
    migrate_fleet(slugs=["north", "south"], jobs=1)


def migrate_stock(slug: str) -> None:
    call_command(
        "migrate_schemas", schema_name=f"t_{slug}", database="owner", interactive=False, verbosity=0
    )
    grant_tenant(Tenant.objects.using("owner").get(slug=slug))


def test_recorded_statements_make_what_django_makes(three_ways: None) -> None:
    migrate_stock(KEPT_APART)

    stock = dump(KEPT_APART)

    assert dump("north") == stock
    assert dump("south") == stock
    assert len(stock) > 1000
    assert any("orders_tour_more" in line and "GRANT" in line for line in stock)


def test_the_rows_that_say_so_are_the_same(three_ways: None) -> None:
    migrate_stock(KEPT_APART)

    first, second, stock = (
        query(f"SELECT app, name FROM t_{slug}.django_migrations ORDER BY app, name")
        for slug in ("north", "south", KEPT_APART)
    )

    assert first == second == stock


def test_raw_statements_run_in_each_tenant(three_ways: None) -> None:
    assert query("SELECT count(*) FROM t_north.orders_seat") == [(1,)]
    assert query("SELECT count(*) FROM t_south.orders_seat") == [(1,)]


def test_what_has_to_be_run_by_django_is(three_ways: None, later: Later) -> None:
    later("orders", "0005_fill", before=FILL, operations="[migrations.RunPython(fill)]")
    later("orders", "0006_index", before=CONCURRENTLY, operations=INDEX, atomic=False)
    for slug in ("north", "south"):
        with inside(Tenant.objects.get(slug=slug)):
            make_order()

    summary = migrate_fleet(slugs=["north", "south"], jobs=2)

    assert summary.failures == []
    for slug in ("north", "south"):
        assert query(f"SELECT seats, raw FROM t_{slug}.orders_tour") == [(1, 2)]
        assert query(f"SELECT to_regclass('t_{slug}.tour_raw') IS NOT NULL") == [(True,)]
    assert dump("north") == dump("south")
