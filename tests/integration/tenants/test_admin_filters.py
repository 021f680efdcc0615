"""Narrowing long lists of the platform's: a tenant is typed and found, not looked for among all."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import (
    ApiKey,
    Engagement,
    FleetResult,
    FleetRun,
    Member,
    PurgeRun,
    SecurityEvent,
)
from tests.integration.tenants.test_fleet_page import fill

AUTOCOMPLETE = "/admin/autocomplete/"


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (ApiKey, "tenant"),
        (PurgeRun, "tenant"),
        (SecurityEvent, "tenant"),
        (Engagement, "partner"),
        (Member, "partner"),
    ],
)
def test_a_list_is_narrowed_to_one_of_many_without_naming_all(
    model: type, field: str, operator: Client
) -> None:
    fill(0, 30)
    if model is Member:
        for engagement in Engagement.objects.select_related("partner")[:2]:
            user = Member.objects.exclude(tenant=None).first().user
            Member.objects.create(user=user, partner=engagement.partner)
    page = f"/admin/tenants/{model._meta.model_name}/"
    wanted = model.objects.exclude(**{f"{field}": None}).first()

    shown = operator.get(page).content.decode()
    assert shown.count("<option") < 30
    assert "admin-autocomplete" in shown
    found = operator.get(f"{page}?{field}__id__exact={getattr(wanted, field).pk}")
    rows = found.context["cl"].result_list
    assert {getattr(row, field) for row in rows} == {getattr(wanted, field)}
    # What is chosen stays to be read.
    assert f">{getattr(wanted, field)}</option>" in found.content.decode()


def test_a_tenant_is_found_by_what_one_types(operator: Client) -> None:
    fill(0, 30)
    source = {"app_label": "tenants", "model_name": "apikey", "field_name": "tenant"}

    answer = operator.get(AUTOCOMPLETE, {"term": "row 017", **source})

    assert [each["text"] for each in json.loads(answer.content)["results"]] == ["Row 017"]


def test_fleet_runs_are_found_by_tenant_and_by_what_went_wrong(
    operator: Client, north: object, south: object
) -> None:
    made = {"started_at": timezone.now(), "fingerprint": "f", "shared_rights": "r"}
    first, second = (FleetRun.objects.create(release=name, **made) for name in ("0.3.0", "0.4.0"))
    FleetResult.objects.create(run=first, tenant=north, seconds=1, error="locked by Ada")
    FleetResult.objects.create(run=second, tenant=north, seconds=1)
    FleetResult.objects.create(run=second, tenant=south, seconds=1)

    def found(words: str) -> set[str]:
        page = operator.get("/admin/tenants/fleetrun/", {"q": words})
        return {run.release for run in page.context["cl"].result_list}

    assert found("0.4") == {"0.4.0"}
    assert found("locked by") == {"0.3.0"}
    assert found("south") == {"0.4.0"}
    assert found("north") == {"0.3.0", "0.4.0"}
