"""Migrations that let the release before go on; what does not is named here with its reason."""

from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.state import ModelState, ProjectState

from tenants.fleet.compatibility import breaking_changes, breaking_in

# "app.migration: Operation model.field" → since which release no code uses it.
CONTRACTED: dict[str, str] = {
    "policies.0003_settings_and_layer_reviews: RemoveField layerpolicy.rules": (
        "no release had rules for many tenants: they came with 0.3, and so does this"
    ),
}


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    return breaking_changes()


def test_the_release_before_works_beside_each_migration(found: dict[str, str]) -> None:
    assert {name: why for name, why in found.items() if name not in CONTRACTED} == {}


def test_what_is_allowed_is_still_there(found: dict[str, str]) -> None:
    assert set(CONTRACTED) - set(found) == set(), "take these out of the list"


def state() -> ProjectState:
    state = ProjectState()
    state.add_model(
        ModelState(
            "orders",
            "Order",
            [
                ("id", models.UUIDField(primary_key=True)),
                ("note", models.TextField(null=True)),
                ("code", models.TextField()),
            ],
        )
    )
    return state


def breaking(*operations: Any, first: bool = False) -> list[str]:
    migration = migrations.Migration("0002_next", "orders")
    migration.dependencies = [] if first else [("orders", "0001_initial")]
    migration.operations = list(operations)
    return [name.partition(": ")[2] for name, _why in breaking_in(migration, state())]


ADD = migrations.AddField("order", "gift", models.TextField(default=""))
TOUR = migrations.CreateModel("Tour", [("id", models.UUIDField(primary_key=True))])


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        (ADD, "AddField order.gift"),
        (migrations.RemoveField("order", "note"), "RemoveField order.note"),
        (migrations.RenameField("order", "note", "remark"), "RenameField order.note"),
        (migrations.AlterField("order", "note", models.TextField()), "AlterField order.note"),
        (
            migrations.AlterField("order", "note", models.TextField(db_default="")),
            "AlterField order.note",
        ),
        (migrations.DeleteModel("Order"), "DeleteModel Order"),
        (migrations.RenameModel("Order", "Purchase"), "RenameModel Order"),
        (migrations.AlterModelTable("order", "purchases"), "AlterModelTable order"),
        (migrations.RunSQL("ALTER TABLE orders_order DROP COLUMN note"), "RunSQL"),
        (
            migrations.SeparateDatabaseAndState(
                database_operations=[migrations.RemoveField("order", "note")]
            ),
            "RemoveField order.note",
        ),
    ],
)
def test_what_breaks_old_code_is_found(operation: Any, named: str) -> None:
    (found,) = breaking(operation)

    assert found.startswith(named)


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("order", "gift", models.TextField(null=True)),
        migrations.AddField("order", "gift", models.TextField(db_default="")),
        migrations.AddField("order", "tours", models.ManyToManyField("orders.order")),
        migrations.AlterField("order", "code", models.TextField(null=True)),
        migrations.AlterField("order", "code", models.CharField(max_length=9)),
        migrations.RunSQL("CREATE INDEX slow ON orders_order (note)"),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField("order", "note")]
        ),
        TOUR,
    ],
)
def test_what_old_code_does_not_see_is_well(operation: Any) -> None:
    assert breaking(operation) == []


def test_a_table_of_the_same_migration_is_unknown_to_old_code() -> None:
    assert breaking(TOUR, migrations.AddField("tour", "name", models.TextField())) == []


def test_the_first_migration_of_an_app_may_do_what_it_likes() -> None:
    assert breaking(ADD, first=True) == []
