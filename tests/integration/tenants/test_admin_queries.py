"""Every page of the admin asks the database as often for many rows as for few."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import clear_script_prefix

from controlplane.core.admin import ReadOnlyModelAdmin, SharedModelAdmin, TenantModelAdmin
from tenants import lookup
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.copies import copies
from tests.factories.support_access import make_entry
from tests.factories.world import connections, parts
from tests.fakes.n8n import running_fake_n8n
from tests.integration.tenants.test_fleet_page import fill

REGISTERED = admin.site._registry
SHARED = [model for model, found in REGISTERED.items() if isinstance(found, SharedModelAdmin)]
OF_TENANT = [
    model
    for model, found in REGISTERED.items()
    if isinstance(found, TenantModelAdmin | ReadOnlyModelAdmin)
]
MORE = 12


@pytest.fixture(scope="module")
def north(django_db_setup: None, django_db_blocker: Any) -> Iterator[Tenant]:
    """With a row of every kind, and so the platform. Taken away at the end."""
    with django_db_blocker.unblock():
        lookup.forget_tenants()
        with transaction.atomic():
            tenant = lookup.tenant_by_slug("north")
            fill(0, 3)
            with running_fake_n8n() as n8n, connections.servers(), inside(tenant):
                parts(n8n.url)
            yield tenant
            transaction.set_rollback(True)
        lookup.forget_tenants()
        connection.set_schema_to_public()


@pytest.fixture(autouse=True)
def undone(north: Tenant) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    connection.set_schema_to_public()


@pytest.fixture
def operator(north: Tenant) -> Client:
    root = User.objects.create_superuser("root-of-queries", "root@example.com", "pw")
    make_entry(root, north)
    client = Client(headers={"host": "localhost"})
    client.force_login(root, "django.contrib.auth.backends.ModelBackend")
    return client


def asked(client: Client, path: str) -> list[str]:
    """The shortest of three: what the process keeps for some seconds may be asked for anew."""
    found = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as caught:
            answer = client.get(path)
            if answer.status_code == 302:  # to the page that it is edited on
                answer = client.get(answer["Location"])
            assert answer.status_code == 200, path
        clear_script_prefix()
        found.append([query["sql"] for query in caught])
    return min(found, key=len)


def assert_as_many(few: list[str], many: list[str]) -> None:
    new = [sql[:300] for sql in many if sql not in few]
    assert len(many) == len(few), "\n".join(new)


def label(model: Any) -> str:
    return str(model._meta.label_lower)


# Of what nothing else here makes one.
WANTED: dict[str, dict[str, Any]] = {
    "approvals.groupmember": {"member_id": "1", "member_label": "Ada"},
    "approvals.vote": {"member_id": "1", "member_label": "Ada", "decision": "approve"},
    "policies.decisionentry": {"kind": "override", "value": "accept", "by": "Ada", "by_id": "1"},
    "policies.example": {"name": "Dear", "verdict": "hold"},
    "policies.layerexample": {"name": "Dear", "verdict": "hold"},
    "support.triagemodel": {
        "number": 1, "sha256": "s", "fingerprint": "f", "examples": 9, "accuracy": 0.9,
        "ece": 0.1, "threshold": 0.5,
    },
    "tenants.retentionrule": {"data_class": "orders", "days": 900},
}  # fmt: skip


def one_of(model: Any, **above: Any) -> Any:
    rows = model._default_manager
    return rows.first() or rows.create(**WANTED[label(model)], **above)


def page_of(model: Any) -> str:
    half = "" if isinstance(REGISTERED[model], SharedModelAdmin) else "/t/north"
    return f"{half}/admin/{model._meta.app_label}/{model._meta.model_name}/"


@pytest.mark.parametrize("model", OF_TENANT, ids=label)
def test_a_list_of_a_tenants_rows(model: Any, north: Tenant, operator: Client) -> None:
    with inside(north):
        row = one_of(model)
        copies(row, 2)
    few = asked(operator, page_of(model))
    with inside(north):
        copies(row, MORE)

    assert_as_many(few, asked(operator, page_of(model)))


@pytest.mark.parametrize("model", [*SHARED, *OF_TENANT], ids=label)
def test_the_page_of_a_row(model: Any, north: Tenant, operator: Client) -> None:
    """With more rows of each kind that is shown below it, and of each that it could point to."""
    is_shared = model in SHARED

    def grow(count: int) -> None:
        for inline in inlines:
            key = next(f for f in inline.model._meta.concrete_fields if f.related_model is model)
            assert copies(one_of(inline.model, **{key.name: row}), count, **{key.name: row})

    inlines: list[Any]
    if is_shared:
        row = one_of(model)
        inlines = REGISTERED[model].get_inlines(None, row)
        fill(100, 103)
        grow(2)
    else:
        with inside(north):
            row = one_of(model)
            inlines = REGISTERED[model].get_inlines(None, row)
            grow(2)
    page = f"{page_of(model)}{row.pk}/change/"
    few = asked(operator, page)
    if is_shared:
        fill(200, 200 + MORE)
        grow(MORE)
    else:
        with inside(north):
            grow(MORE)

    assert_as_many(few, asked(operator, page))
