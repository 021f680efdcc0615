"""What was agreed about a customer's data: kept, shown, read by rules, and what forbids models."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.knowledge.llm import Message, ModelFailed, complete
from tenants import lookup
from tenants.agreements import agreement_now, agreements_of
from tenants.context import inside
from tenants.environments.services import start_sandbox
from tenants.models import Agreement, Member, Tenant

TERMS: dict[str, Any] = {
    "data_owner": "Nordwind GmbH", "processed_in": "EU, CH", "agreed_by": "Ida Sturm, Nordwind",
    "document": "DPA-1", "ai_assisted": "suggest",
}  # fmt: skip


def agree(tenant: Tenant, **changes: Any) -> Agreement:
    given = {"valid_from": date(2026, 1, 1), "recorded_by": "test", **TERMS, **changes}
    lookup.forget_tenants()
    return Agreement.objects.create(tenant=tenant, **given)


def test_the_one_of_the_latest_day_that_has_come_holds(north: Tenant) -> None:
    today = timezone.now().date()
    assert lookup.tenant_by_slug("north").profile.ai_assisted == ""
    agree(north, document="old", ai_assisted="decide")
    agree(north, document="wrong", valid_from=today, ai_assisted="none")
    corrected = agree(north, document="corrected", valid_from=today, ai_assisted="suggest")
    later = agree(north, document="next", valid_from=today + timedelta(days=1), ai_assisted="none")
    sandbox = start_sandbox(north)
    Tenant.objects.filter(pk=sandbox.pk).update(status=Tenant.Status.ACTIVE)

    assert agreement_now(north) == corrected
    assert agreement_now(sandbox) == corrected
    assert agreements_of(north).first() == later
    assert [each.document for each in agreements_of(north)] == [
        "next", "corrected", "wrong", "old",
    ]  # fmt: skip
    for slug in ("north", "north-sandbox"):
        assert lookup.tenant_by_slug(slug).profile.ai_assisted == "suggest"


def test_where_it_was_agreed_that_no_model_sees_it_none_is_asked(
    north: Tenant, settings: Any
) -> None:
    settings.LLM_MODEL = "nosuch:model"
    agree(north, ai_assisted="none")

    with inside(lookup.tenant_by_slug("north")), pytest.raises(ModelFailed) as refused:
        complete([Message("user", "Where is it?")])

    assert refused.value.reason == "not_agreed"
    assert "no language model sees this customer's data" in refused.value.detail
    agree(north, ai_assisted="suggest")
    with inside(lookup.tenant_by_slug("north")), pytest.raises(ModelFailed) as failed:
        complete([Message("user", "Where is it?")])
    assert failed.value.reason == "misconfigured", "it came as far as the model"


def test_an_operator_adds_one_and_can_change_none(operator: Client, north: Tenant) -> None:
    page = "/admin/tenants/agreement/"
    form = {**TERMS, "tenant": north.pk, "valid_from": "2026-02-01", "subprocessors": "n8n (DE)"}
    missing = operator.post(f"{page}add/", {**form, "document": ""})
    assert missing.status_code == 200
    assert not Agreement.objects.exists()

    assert operator.post(f"{page}add/", form).status_code == 302

    kept = Agreement.objects.get()
    assert kept.recorded_by == "root (platform)"
    operator.post(f"{page}{kept.pk}/change/", {**form, "ai_assisted": "decide"})
    operator.post(f"{page}{kept.pk}/delete/", {"post": "yes"})
    kept.refresh_from_db()
    assert kept.ai_assisted == "suggest"
    assert "DPA-1" in operator.get(page).content.decode()
    assert "DPA-1" in operator.get(f"/admin/tenants/tenant/{north.pk}/change/").content.decode()
    with inside(north):
        assert "DPA-1" in str(Entry.objects.get(action="agreement.added").data)


def test_its_tenant_is_found_by_typing_and_is_no_sandbox(operator: Client, north: Tenant) -> None:
    page = "/admin/tenants/agreement/add/"
    shown = operator.get(page).content.decode()
    assert "admin-autocomplete" in shown
    assert f'value="{north.pk}"' not in shown, "a list of all tenants"
    form = {**TERMS, "tenant": start_sandbox(north).pk, "valid_from": "2026-02-01"}

    refused = operator.post(page, form)

    assert "Choose North instead" in refused.context["errors"][0][0]
    assert not Agreement.objects.exists()


def test_a_manager_reads_what_holds_and_what_held(
    north: Tenant, south: Tenant, browser: Callable[..., Client]
) -> None:
    manager = browser(north, role=Member.Role.MANAGER)
    assert "Nothing was written down yet." in manager.get("/data/").content.decode()
    agree(north, document="DPA-1")
    agree(north, document="DPA-2", valid_from=date(2026, 6, 1), ai_assisted="none")
    agree(south, document="DPA-of-south")

    page = manager.get("/data/").content.decode()

    assert page.index("DPA-2") < page.index("DPA-1")
    assert page.count("In force") == 1
    assert "No language model sees the data" in page
    assert "DPA-of-south" not in page
