"""A partner's rules in the portal: by its own people, and of nobody else."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.core.models import new_id
from controlplane.orders.contexts import _SAMPLE, CONTEXT, facts_of
from controlplane.policies import layers
from controlplane.policies.models import LayerPolicy, LayerSimulation
from controlplane.policies.services import evaluate, run_layer_simulation
from tenants import lookup
from tenants.context import inside
from tenants.models import Engagement, Member, Ownership, Partner, Tenant
from tests.integration.portal.test_policies import EXAMPLE, RULE, form

Browser = Callable[..., Client]
NEW = {"title": "Limits", "slug": "limits", "context": CONTEXT}


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    layers.forget()
    yield
    layers.forget()


@pytest.fixture
def partner(north: Tenant) -> Partner:
    return Partner.objects.get(slug="partner-north")


@pytest.fixture
def people(north: Tenant, partner: Partner, make_member: Any, browser: Browser) -> Any:
    """`people("mia")`: somebody of the partner, on north's host."""

    def come(name: str, role: str = Member.Role.MANAGER, of: Partner = partner) -> Client:
        member = make_member(north, name=name, role=role)
        Member.objects.filter(pk=member.pk).update(tenant=None, partner=of)
        return browser(north, member=member)

    return come


@pytest.fixture
def mia(people: Any) -> Client:
    client: Client = people("mia")
    return client


@pytest.fixture
def page(mia: Client) -> str:
    """Rules that Mia wrote and handed in: their page."""
    made = mia.post("/partner-rules/new/", NEW)
    page = made.headers["Location"].removesuffix("draft/")
    assert mia.post(f"{page}draft/", form(RULE, examples=(EXAMPLE,), note="new")).status_code == 302
    assert mia.post(f"{page}submit/", {"note": "please look"}).status_code == 302
    return page


def decide(tenant: Tenant, minor: int) -> None:
    facts = facts_of(_SAMPLE)
    facts["order"]["total"]["minor"] = minor
    facts["order"]["currency"] = "EUR"
    with inside(tenant):
        evaluate(
            context=CONTEXT, subject_type="order", subject_id=new_id(), data=facts,
            parameters={}, event_id=None, by=None,
        )  # fmt: skip


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, address
    return answer.content.decode()


def test_from_the_draft_to_being_in_force_by_two_people(
    mia: Client, people: Any, page: str, settings: Any
) -> None:
    settings.LAYERS_NEED_APPROVAL = True
    ben = people("ben", Member.Role.APPROVER)
    version = f"{page}versions/1/"
    assert "Who can approve it: ben-north" in text(mia, version)
    refused = mia.post(f"{version}publish/", {"note": "now"})
    assert (refused.status_code, "Ask a colleague" in refused.content.decode()) == (422, True)
    assert ben.post(f"{version}publish/", {"note": "now"}).status_code == 403
    assert mia.post(f"{version}approve/", {"note": "me"}).status_code == 422
    assert ben.post(f"{version}approve/", {"note": "read it"}).status_code == 302
    assert mia.post(f"{version}publish/", {"note": "agreed"}).status_code == 302
    shown = text(mia, version)
    for said in ("please look", "read it", "agreed", "order.total.minor", "a big one"):
        assert said in shown
    assert "v1 in force" in text(mia, page)
    assert mia.post(f"{version}retire/", {"note": "over"}).status_code == 302
    assert mia.post(f"{version}roll-back/", {"note": "not over"}).status_code == 302
    assert LayerPolicy.objects.get().versions.count() == 2


def test_the_pages_open(mia: Client, page: str) -> None:
    for address in (
        "/partner-rules/", "/partner-rules/?q=lim&sort=-partner", "/partner-rules/new/", page,
        f"{page}draft/", f"{page}versions/1/",
    ):  # fmt: skip
        assert "Limits" in text(mia, address) or address.endswith("new/")
    assert "Rules for customers" in text(mia, "/")


def test_a_fault_is_pointed_at_while_one_types(mia: Client, page: str) -> None:
    sent = mia.post(
        f"{page}check/", {"prefix": "rules-0", "rules-0-expression": "order.totl.minor > 1"}
    )
    assert "There is no field “totl”" in sent.content.decode()
    assert "^" in sent.content.decode()
    wrong = mia.post(f"{page}draft/", form({**RULE, "expression": "order.totl.minor > 1"}))
    assert wrong.status_code == 422
    assert "order.totl.minor &gt; 1" in wrong.content.decode()


def test_a_failing_example_is_said_when_it_is_handed_in(mia: Client, page: str) -> None:
    there = {"rules-INITIAL_FORMS": "1", "examples-INITIAL_FORMS": "1"}
    wrong = {**EXAMPLE, "verdict": "accept", "codes": ""}
    mia.post(f"{page}draft/", form(RULE, examples=(wrong,), **there))
    refused = mia.post(f"{page}submit/", {"note": "again"})
    assert refused.status_code == 422
    assert "“a big one”: expected accept" in refused.content.decode()


def test_the_only_one_says_so_and_why(mia: Client, page: str, settings: Any) -> None:
    settings.LAYERS_NEED_APPROVAL = True
    version, why = f"{page}versions/1/", "The contract starts today."
    assert "Nobody else can approve it." in text(mia, version)
    alone = {"note": why, "alone": "on"}
    assert "simulate it first" in mia.post(f"{version}publish/", alone).content.decode()
    mia.post(f"{page}simulate/", {"days": "30", "version": "1"})
    run_layer_simulation(LayerSimulation.objects.get().pk)
    assert "No customer’s own threshold is passed." in text(mia, version)
    assert mia.post(f"{version}publish/", alone).status_code == 302
    assert "alone" in text(mia, version)


def test_a_time_is_chosen_and_taken_back(mia: Client, page: str) -> None:
    version = f"{page}versions/1/"
    sent = mia.post(f"{version}schedule/", {"note": "spring", "at": "2040-03-01T08:00"})
    assert sent.status_code == 302
    assert "Waits" in text(mia, version)
    mia.post(f"{version}unschedule/")
    assert "Cancelled" in text(mia, version)
    passed = mia.post(f"{version}schedule/", {"note": "spring", "at": "2020-03-01T08:00"})
    assert passed.status_code == 422


def test_a_simulation_tells_money_only_where_the_partner_may_see_it(
    mia: Client, page: str, partner: Partner, north: Tenant, south: Tenant
) -> None:
    engagement = Engagement.objects.create(partner=partner, tenant=south)
    lookup.forget_tenants()
    for tenant, minor in ((north, 61_000), (south, 72_000)):
        decide(tenant, minor)
    Ownership.objects.filter(tenant=south, engagement=engagement).delete()
    started = mia.post(f"{page}simulate/", {"days": "30"})
    address = started.headers["Location"]
    under_way = text(mia, address)
    assert "0 of 2 workspaces are through" in under_way
    assert 'hx-trigger="every 2s"' in under_way
    run_layer_simulation(LayerSimulation.objects.get().pk)
    assert mia.get(f"{address}state/").headers["HX-Refresh"] == "true"
    shown = text(mia, address)
    assert "2 of 2 come out otherwise" in shown
    assert "€610.00" in shown
    assert "€720.00" not in shown
    assert "•••" in shown
    assert "there are only counts" in shown
    assert text(mia, f"{address}?sort=-approvals&q=south").count('data-testid="part"') == 1


@pytest.mark.parametrize("role", ["viewer", "approver"])
def test_who_may_only_look_changes_nothing(people: Any, page: str, role: str) -> None:
    other = people("eve", role)
    for address in ("/partner-rules/", page, f"{page}versions/1/"):
        shown = text(other, address)
        assert "Edit the draft" not in shown
        assert "Publish it now" not in shown
    for address in (f"{page}draft/", f"{page}submit/", "/partner-rules/new/"):
        assert other.post(address, form(RULE)).status_code == 403
    assert other.post(f"{page}simulate/", {"days": "3"}).status_code == 403
    for step in ("publish", "withdraw", "retire", "roll-back", "schedule", "unschedule"):
        assert other.post(f"{page}versions/1/{step}/", {"note": "so"}).status_code == 403, step


def test_nobody_elses_are_there(
    people: Any, page: str, north: Tenant, south: Tenant, partner: Partner, browser: Browser
) -> None:
    """Of another partner, of the customer, and on the host of a tenant that it does not serve."""
    stranger = Partner.objects.create(slug="stranger", name="Stranger")
    Engagement.objects.create(partner=stranger, tenant=north)
    lookup.forget_tenants()
    own = browser(north, role=Member.Role.MANAGER, name="own")
    for client in (people("zoe", of=stranger), own):
        assert "Limits" not in text(client, "/partner-rules/")
        for address in (page, f"{page}draft/", f"{page}versions/1/"):
            assert client.get(address).status_code == 404
    both = Member.objects.get(user__username="mia-north").user
    Member.objects.create(user=both, tenant=south, role=Member.Role.MANAGER)
    elsewhere = Client(headers={"host": south.host})
    elsewhere.force_login(both, "django.contrib.auth.backends.ModelBackend")
    assert "Limits" not in text(elsewhere, "/partner-rules/")
    assert elsewhere.get(page).status_code == 404


def test_who_works_for_two_partners_says_whose_rules_they_are(mia: Client, north: Tenant) -> None:
    other = Partner.objects.create(slug="other", name="Other Ltd")
    Engagement.objects.create(partner=other, tenant=north)
    lookup.forget_tenants()
    user = Member.objects.get(user__username="mia-north").user
    Member.objects.create(user=user, partner=other, role=Member.Role.MANAGER)
    assert "Whose rules" in text(mia, "/partner-rules/new/")
    assert mia.post("/partner-rules/new/", NEW).status_code == 422
    mia.post("/partner-rules/new/", {**NEW, "partner": str(other.pk)})
    assert LayerPolicy.objects.get().partner == other


@pytest.mark.parametrize("version", ["", "1"])
def test_days_that_cannot_be_are_told_at_the_field_and_stay_typed(
    mia: Client, page: str, version: str
) -> None:
    sent = mia.post(f"{page}simulate/", {"days": "5000", "version": version})
    assert sent.status_code == 422
    assert 'value="5000"' in sent.content.decode()
    assert "less than or equal to 3650" in sent.content.decode()
