"""docs/upgrading.md, followed: from the database that 0.1.0 had to today's code."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.test import Client, override_settings
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.audit.services import record
from controlplane.core.actor import system
from controlplane.core.models import new_id
from controlplane.orders.models import Order
from tenants.context import inside
from tenants.lookup import tenant_by_slug
from tenants.models import Engagement, Ownership, Tenant
from tests.integration.tenants.fleet.conftest import (
    NAME,
    Later,
    connected,
    drop_database,
    keep_as,
    make_database,
    query,
)  # fmt: skip

DATA = django_settings.BASE_DIR / "tests" / "data" / "releases"
GUIDE = django_settings.BASE_DIR / "docs" / "upgrading.md"
SLUGS = ("lumen", "adler")
OLD = f"{NAME}_old"
# Which tables stand where: not as today.
PLACES = ("SHARED_APPS", "TENANT_APPS", "TENANT_MODELS")
FITS = """[
    migrations.AddField('order', 'gift_note', models.TextField(db_default='')),
    migrations.AddConstraint('order', models.CheckConstraint(
        condition=models.Q(total__gte=0), name='order_not_negative')),
]"""


def commands() -> list[list[str]]:
    """What the guide has people type, in its order."""
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.S)
    return [line.split()[1:] for block in blocks for line in block.strip().splitlines()]


def migrate_as_then(schema: str, release: dict[str, Any]) -> Any:
    """The schema at the release's migrations. Returns the models that its code had."""
    connection: Any = connections["owner"]
    connection.set_schema(schema, include_public=False)
    executor = MigrationExecutor(connection)
    others = [
        node for node in executor.loader.graph.leaf_nodes() if node[0] not in release["migrations"]
    ]
    targets = [*others, *((app, names[-1]) for app, names in release["migrations"].items())]
    state = executor.migrate(targets)
    connection.set_schema_to_public()
    return state.apps


@pytest.fixture(scope="module")
def release() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "0.1.0.json").read_text())
    return found


@pytest.fixture(scope="module")
def then(release: dict[str, Any], django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """The models of 0.1.0, whose database is kept aside as OLD."""
    with django_db_blocker.unblock():
        make_database()
        with connected(), override_settings(**{name: release[name.lower()] for name in PLACES}):
            models = migrate_as_then("public", release)
            partner = (
                models.get_model("tenants", "Partner")
                .objects.using("owner")
                .create(slug="saxon", name="Saxon Automation")
            )
            for slug in SLUGS:
                furnish(models, slug, partner, release)
        keep_as(OLD)
        yield models
        drop_database(OLD)


@pytest.fixture
def old_apps(then: Any, django_db_blocker: Any) -> Iterator[Any]:
    """A database as 0.1.0 left it: a partner, two tenants, an order in each. The models of then."""
    with django_db_blocker.unblock():
        make_database(OLD)
        with connected():
            yield then
        drop_database()


def furnish(then: Any, slug: str, partner: Any, release: dict[str, Any]) -> None:
    tenant = (
        then.get_model("tenants", "Tenant")
        .objects.using("owner")
        .create(slug=slug, schema_name=f"t_{slug}", name=slug.title(), status="active")
    )
    then.get_model("tenants", "Domain").objects.using("owner").create(
        domain=f"{slug}.localhost", tenant=tenant, is_primary=True
    )
    then.get_model("tenants", "Engagement").objects.using("owner").create(
        partner=partner, tenant=tenant, is_lead=True
    )
    query(f"CREATE SCHEMA t_{slug}")
    migrate_as_then(f"t_{slug}", release)
    with schema(slug):
        add_order(then, f"{slug}-1")


@contextmanager
def schema(slug: str) -> Iterator[None]:
    """As 0.1.0's code wrote into a tenant, here by the owner."""
    connection: Any = connections["owner"]
    connection.set_schema(f"t_{slug}")
    try:
        yield
    finally:
        connection.set_schema_to_public()


def add_order(then: Any, number: str, **values: Any) -> None:
    then.get_model("orders", "Order").objects.using("owner").create(
        source_slug="shop", external_id=number, number=number, placed_at=timezone.now(),
        currency="EUR", **values,
    )  # fmt: skip


def run(command: list[str]) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_the_data_are_those_of_the_release(old_apps: Any, release: dict[str, Any]) -> None:
    ours = {(app, name) for app, names in release["migrations"].items() for name in names}

    for schema_name in ("public", *(f"t_{slug}" for slug in SLUGS)):
        rows = set(query(f"SELECT app, name FROM {schema_name}.django_migrations"))
        assert {row for row in rows if row[0] in release["migrations"]} == ours
    assert query("SELECT to_regclass('public.audit_entry') IS NULL") == [(True,)]


def test_the_guide_leads_to_todays_release(old_apps: Any, later: Later) -> None:
    plan, migrate, one, rest, check = commands()
    later("orders", "0003_fits", operations=FITS)
    with schema("adler"):
        add_order(old_apps, "adler-2", total=-1)

    assert "Tenants: 2 of 2 are behind" in run(plan)
    assert query("SELECT to_regclass('public.tenants_fleetrun') IS NULL") == [(True,)]

    # Step 3: one tenant fails; half-way, the old code writes in both.
    with pytest.raises(CommandError, match=r"adler: orders\.0003_fits: CheckViolation"):
        run(migrate)
    for slug in SLUGS:
        with schema(slug):
            add_order(old_apps, f"{slug}-3")
    assert Client(headers={"host": "localhost"}).get("/readyz").status_code == 200

    # Step 4: mended, that one first, then the rest.
    query("UPDATE t_adler.orders_order SET total = 1 WHERE total < 0")
    assert "1 migrated, 0 failed" in run([*one[:-1], "adler"])
    assert "0 migrated, 0 failed, 2 were up to date" in run(rest)

    # Step 6.
    assert "Tenants: 0 of 2 are behind" in run(check)
    check_that_all_is_there()


def check_that_all_is_there() -> None:
    numbers = {"lumen": {"lumen-1", "lumen-3"}, "adler": {"adler-1", "adler-2", "adler-3"}}
    for slug in SLUGS:
        tenant = tenant_by_slug(slug)
        assert tenant.release == django_settings.RELEASE
        with inside(tenant):
            assert set(Order.objects.values_list("number", flat=True)) == numbers[slug]
        page = Client(headers={"host": f"{slug}.localhost"}).get("/accounts/login/")
        assert page.status_code == 200
    # The data migration, and the platform's own chain, which 0.1.0 had not.
    assert Engagement.objects.count() == 2
    for engagement in Engagement.objects.all():
        assert set(engagement.ownerships.values_list("area", flat=True)) == set(Ownership.Area)
    record(
        action="platform.upgraded", subject_type="release", subject_id="", data={},
        by=system("test"),
    )  # fmt: skip
    assert Entry.objects.get().action == "platform.upgraded"


def test_going_back_needs_no_migration(old_apps: Any) -> None:
    """The release before reads and writes what the new one migrated."""
    assert "2 migrated" in run(["migrate_fleet"])

    tenants = old_apps.get_model("tenants", "Tenant").objects.using("owner")
    assert [tenant.slug for tenant in tenants.order_by("slug")] == sorted(SLUGS)
    tenants.create(slug="back", schema_name="t_back", name="Back", id=new_id())
    with schema("lumen"):
        add_order(old_apps, "lumen-9")

    assert Tenant.objects.get(slug="back").environment == Tenant.Environment.PRODUCTION


def test_owners_that_were_named_already_stay(old_apps: Any) -> None:
    run(["migrate_fleet"])
    lead, second = Engagement.objects.order_by("tenant__slug")
    Ownership.objects.all().delete()
    Ownership.objects.create(engagement=second, tenant=lead.tenant, area=Ownership.Area.SUPPORT)

    module = import_module("tenants.migrations.0020_lead_partners_own_everything")
    with connections["owner"].schema_editor() as editor:
        module.give_areas(apps, editor)

    assert lead.ownerships.count() == len(Ownership.Area) - 1
    assert second.ownerships.count() == len(Ownership.Area) + 1
