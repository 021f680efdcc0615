"""What a customer is like in business terms: set in the admin, read by rules, shown."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.core.models import new_id
from controlplane.orders.contexts import _SAMPLE, CONTEXT, facts_of
from controlplane.policies.contexts import get_context
from controlplane.policies.judging import OWN, RuleSet
from controlplane.policies.models import Decision
from controlplane.policies.services.decisions import evaluate
from controlplane.policies.simulation import rejudged
from tenants import lookup
from tenants.context import inside
from tenants.environments.services import start_sandbox
from tenants.models import Member, Partner, Tenant
from tenants.profile import Profile

SAID = Profile("CHF", "reverse_charge", "drop_ship", "partner-north", "strategic", "")


@pytest.fixture
def said(north: Tenant) -> Tenant:
    Tenant.objects.filter(pk=north.pk).update(
        currency="CHF", tax_regime="reverse_charge", fulfilment="drop_ship"
    )
    Partner.objects.filter(slug="partner-north").update(tier="strategic")
    lookup.forget_tenants()
    return lookup.tenant_by_slug("north")


def test_a_sandbox_is_like_its_production(said: Tenant) -> None:
    sandbox = start_sandbox(said)
    Tenant.objects.filter(pk=sandbox.pk).update(status=Tenant.Status.ACTIVE)

    assert lookup.tenant_by_slug("north-sandbox").profile == SAID
    # As a command finds it, which comes by no door.
    for row in Tenant.objects.filter(slug__startswith="north"):
        with inside(row):
            assert row.profile == SAID


def decided(tenant: Tenant) -> Decision:
    with inside(tenant):
        return evaluate(
            context=CONTEXT, subject_type="order", subject_id=new_id(), data=facts_of(_SAMPLE),
            parameters={}, event_id=None, by=system("test"),
        )  # fmt: skip


def test_a_decision_keeps_it_and_one_of_before_can_be_judged_again(said: Tenant) -> None:
    kept = decided(said)
    assert kept.settings is not None
    assert kept.settings["currency"] == "CHF"
    assert kept.settings["partner_tier"] == "strategic"

    rules = [
        {
            "code": "foreign", "verdict": "reject", "message": "No.",
            "expression": "tenant.currency == 'CHF' && tenant.brand == 'partner-north'",
        }
    ]  # fmt: skip
    candidate = RuleSet(id="c", number=1, layer=OWN, slug="c", rules=rules)
    for name in ("currency", "brand"):
        del kept.settings[name]  # as decisions of before have it
    with inside(said):
        again = rejudged(get_context(CONTEXT), [candidate], kept)
    assert [reason["code"] for reason in again.judged.reasons] == ["foreign"]


def test_an_operator_sets_it_and_both_trails_tell(
    operator: Client, north: Tenant, browser: Callable[..., Client]
) -> None:
    page = f"/admin/tenants/tenant/{north.pk}/change/"
    form: dict[str, Any] = operator.get(page).context["adminform"].form.initial
    given = {name: value for name, value in form.items() if value is not None}
    for inline in operator.get(page).context["inline_admin_formsets"]:
        manage = inline.formset.management_form
        given |= {f"{manage.prefix}-{name}": value for name, value in manage.initial.items()}
        for each in inline.formset.initial_forms:
            given |= {each.add_prefix(n): v for n, v in each.initial.items() if v is not None}
            given[each.add_prefix("id")] = each.instance.pk
    wrong = operator.post(page, {**given, "currency": "XXZ"})
    assert "is no currency" in wrong.content.decode()

    answer = operator.post(
        page, {**given, "currency": "CHF", "tax_regime": "exempt", "fulfilment": "mixed"}
    )

    assert answer.status_code == 302, answer.content.decode()
    with inside(north):
        told = Entry.objects.filter(action="tenant.changed").latest("sequence")
    assert "CHF" in str(told.data["after"])
    shown = browser(north, role=Member.Role.MANAGER).get("/data/").content.decode()
    assert "CHF" in shown
    assert "Exempt: what is sold bears no tax" in shown
