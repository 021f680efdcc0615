"""What the fleet page shows of how much of its limits a tenant uses."""

from collections.abc import Iterator

import pytest
from django.test import Client

from controlplane.core import measures
from tenants import lookup
from tenants import measures as of_tenants
from tenants.context import inside
from tenants.limits import rates
from tenants.limits.spend import this_month
from tenants.models import ModelSpend, Quota, Tenant
from tests.factories.limits import forget_counts
from tests.integration.tenants.test_fleet_page import PAGE, make_row, operator_client


@pytest.fixture
def operator(north: Tenant) -> Client:
    return operator_client()


def test_how_much_of_its_limits_a_tenant_uses_is_drawn(operator: Client) -> None:
    tenant = make_row(1)
    Quota.objects.create(tenant=tenant, resource="model_spend", amount=100)
    ModelSpend.objects.create(tenant=tenant, month=this_month(), amount=95)

    shown = operator.get(f"{PAGE}?q=row-001").content.decode()

    assert '<meter class="pg-warning"' in shown
    assert "95 % models" in shown


@pytest.fixture
def measured() -> Iterator[None]:
    yield
    forget_counts()
    with measures.store() as shared:
        shared.delete(of_tenants.KEY)


def test_every_limit_of_a_tenant_is_measured_and_shown(
    operator: Client, north: Tenant, south: Tenant, measured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"requests": 10, "events": 8, "storage": 10**12}
    for resource, amount in limits.items():
        Quota.objects.update_or_create(tenant=north, resource=resource, defaults={"amount": amount})
    lookup.forget_tenants()
    tenant = lookup.tenant_by_slug("north")
    # Not counted here: a minute or the day might turn meanwhile.
    counted = {("north", "requests"): 4, ("north", "events"): 7}
    monkeypatch.setattr(rates, "used", lambda whose, what: counted.get((whose.slug, what), 0))
    for each in (tenant, south):
        with inside(each):
            of_tenants.refresh()

    page = operator.get(f"{PAGE}?q=north")
    (row,) = page.context["cl"].result_list
    bar = row.cells["limits"][row.pk]
    assert round(bar.percent) == 88
    assert f"{bar.text}" == "88 % events"
    told = bar.title.splitlines()
    assert told[:2] == ["88 % events: 7 of 8", "40 % requests: 4 of 10"]
    # Of two at nothing either may come first.
    models, storage = sorted(told[2:])
    assert models == "0 % models: US$ 0.00 of US$ 25.00"
    assert storage.startswith("0 % storage: 0")
    assert storage.endswith("of 931.32 GiB")
    assert '<meter class="pg-warning"' in page.content.decode()

    alarm = next(f for f in page.context["cl"].summary["alarms"] if "Limits" in str(f.label))
    assert alarm.count == 1
    listed = operator.get(f"{PAGE}?{alarm.query}").context["cl"].result_list
    assert [each.name for each in listed] == ["North"]
    assert operator.get(f"{PAGE}?limits=full").context["cl"].result_count == 0
    columns = page.context["cl"].list_display
    labels = [str(getattr(column, "short_description", "")) for column in columns]
    place = labels.index("Limits")
    for sign, first in (("-", "North"), ("", "South")):
        rows = operator.get(f"{PAGE}?o={sign}{place}&q=th").context["cl"].result_list
        assert rows[0].name == first
