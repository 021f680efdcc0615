"""Policies in the portal: written, checked, simulated, handed in, published, rolled back."""

from collections.abc import Callable

import pytest
from django.test import Client

from controlplane.core.actor import system
from controlplane.core.models import new_id
from controlplane.orders.contexts import _SAMPLE, facts_of
from controlplane.policies.models import Decision, Policy, PolicyVersion, SimulationRun
from controlplane.policies.services import evaluate, run_simulation
from tenants.context import inside
from tenants.models import Member, Tenant

Browser = Callable[..., Client]


@pytest.fixture
def policy(north: Tenant) -> Policy:
    with inside(north):
        return Policy.objects.get(slug="order-checks")


@pytest.fixture
def manager(north: Tenant, browser: Browser) -> Client:
    return browser(north, role=Member.Role.MANAGER)


def form(*rules: dict[str, str], examples: tuple[dict[str, str], ...] = (), **more: str) -> dict:
    data = {
        "rules-TOTAL_FORMS": str(len(rules)), "rules-INITIAL_FORMS": "0",
        "examples-TOTAL_FORMS": str(len(examples)), "examples-INITIAL_FORMS": "0", **more,
    }  # fmt: skip
    for kind, rows in (("rules", rules), ("examples", examples)):
        for index, row in enumerate(rows):
            data |= {f"{kind}-{index}-{name}": value for name, value in row.items()}
    return data


RULE = {
    "code": "large", "verdict": "hold", "expression": "order.total.minor > 50000",
    "message": "{order.number} is large.", "enabled": "on",
}  # fmt: skip
EXAMPLE = {
    "name": "a big one", "facts": '{"order": {"total": {"minor": 60000}}}', "verdict": "hold",
    "codes": "large",
}  # fmt: skip


def test_the_pages_open(manager: Client, policy: Policy) -> None:
    for address in (
        "/policies/", "/policies/new/", f"/policies/{policy.pk}/", f"/policies/{policy.pk}/draft/",
        f"/policies/{policy.pk}/versions/1/", "/policies/contexts/order/", "/decisions/",
    ):  # fmt: skip
        assert manager.get(address).status_code == 200, address


def test_from_the_draft_to_being_in_force(manager: Client, policy: Policy, north: Tenant) -> None:
    page = f"/policies/{policy.pk}/"
    sent = manager.post(f"{page}draft/", form(RULE, examples=(EXAMPLE,), note="for spring"))
    assert sent.status_code == 302
    handed_in = manager.post(f"{page}submit/", {"note": "please look"})
    assert handed_in.headers["Location"] == f"{page}versions/2/"
    shown = manager.get(f"{page}versions/2/").content.decode()
    assert "please look" in shown
    assert "for spring" in shown
    manager.post(f"{page}versions/2/publish/", {"note": "as agreed"})
    with inside(north):
        assert policy.live().number == 2
        assert policy.live().examples[0]["name"] == "a big one"
    manager.post(f"{page}versions/1/roll-back/", {"note": "too strict"})
    with inside(north):
        assert policy.live().number == 3


def test_a_fault_is_shown_at_its_field_and_nothing_is_lost(manager: Client, policy: Policy) -> None:
    wrong = {**RULE, "expression": "order.totl.minor > 1"}
    sent = manager.post(f"/policies/{policy.pk}/draft/", form(wrong))
    page = sent.content.decode()
    assert sent.status_code == 422
    assert "There is no field “totl”" in page
    assert "order.totl.minor &gt; 1" in page


def test_while_typing_a_caret_points_at_the_character(manager: Client, policy: Policy) -> None:
    given = {"prefix": "rules-0", "rules-0-expression": "order.is_test &&\n order.totl > 1"}
    shown = manager.post(f"/policies/{policy.pk}/check/", given).content.decode()
    assert " order.totl &gt; 1\n       ^</pre>" in shown
    given["rules-0-expression"] = "order.is_test"
    assert "It can be read" in manager.post(f"/policies/{policy.pk}/check/", given).content.decode()


def test_one_more_row_keeps_what_was_typed(manager: Client, policy: Policy) -> None:
    sent = manager.post(f"/policies/{policy.pk}/draft/", form(RULE, more="examples"))
    page = sent.content.decode()
    assert sent.status_code == 200
    assert 'name="examples-0-name"' in page
    assert "order.total.minor &gt; 50000" in page


def test_an_example_that_fails_is_named_when_handing_in(manager: Client, policy: Policy) -> None:
    page = f"/policies/{policy.pk}/"
    manager.post(f"{page}draft/", form(RULE, examples=({**EXAMPLE, "verdict": "reject"},)))
    sent = manager.post(f"{page}submit/", {"note": "please"})
    assert sent.status_code == 422
    assert "“a big one”: expected reject" in sent.content.decode()


def test_the_author_cannot_approve(manager: Client, policy: Policy) -> None:
    page = f"/policies/{policy.pk}/"
    manager.post(f"{page}draft/", form(RULE))
    manager.post(f"{page}submit/", {"note": "please"})
    sent = manager.post(f"{page}versions/2/approve/", {"note": "fine"})
    assert sent.status_code == 422
    assert "Ask a colleague" in sent.content.decode()


def decide_once() -> Decision:
    """In the tenant that is entered, on an order that is accepted."""
    return evaluate(
        context="order", subject_type="order", subject_id=new_id(), data=facts_of(_SAMPLE),
        parameters={}, event_id=None, by=system("tests"),
    )  # fmt: skip


def test_a_simulation_is_watched_and_read(
    manager: Client, policy: Policy, north: Tenant, django_capture_on_commit_callbacks: Callable
) -> None:
    with inside(north):
        decide_once()
    manager.post(f"/policies/{policy.pk}/draft/", form({**RULE, "expression": "true"}))
    began = manager.post(f"/policies/{policy.pk}/simulate/", {"days": "3"})
    page = began.headers["Location"]
    assert 'hx-trigger="every 1s"' in manager.get(page).content.decode()
    with inside(north):
        run_simulation(SimulationRun.objects.get().pk)
    state = manager.get(f"{page}state/")
    assert state.headers["HX-Refresh"] == "true"
    shown = manager.get(page).content.decode()
    assert "1 of 1 come out otherwise" in shown
    assert "€124.95" in shown
    assert "bar-invoiced" in shown


def test_a_decision_is_explained_and_overridden(
    browser: Browser, north: Tenant, policy: Policy
) -> None:
    with inside(north):
        decision = Decision.objects.create(
            context="order", subject_type="order", subject_id=policy.pk, verdict="hold",
            input_sha256="0", input={"order": {"number": "#77"}},
            reasons=[{"code": "x", "message": "It is large.", "verdict": "hold", "policy": ""}],
            policy_versions=[{"id": str(PolicyVersion.objects.first().pk), "number": 1}],
        )  # fmt: skip
    approver = browser(north)
    page = f"/decisions/{decision.pk}/"
    assert "#77" in approver.get(page).content.decode()
    assert approver.post(f"{page}override/", {"verdict": "accept", "why": ""}).status_code == 422
    approver.post(f"{page}override/", {"verdict": "accept", "why": "a known buyer"})
    assert "a known buyer" in approver.get(page).content.decode()


def test_a_viewer_looks_and_changes_nothing(
    browser: Browser, north: Tenant, policy: Policy
) -> None:
    viewer = browser(north, role=Member.Role.VIEWER)
    assert viewer.get(f"/policies/{policy.pk}/").status_code == 200
    for address in (f"/policies/{policy.pk}/draft/", "/policies/new/", "/policies/terms/"):
        assert viewer.post(address, {}).status_code == 403


def test_names_come_typed_and_told(manager: Client) -> None:
    fields = {f["name"]: f for f in manager.get("/policies/contexts/order.json").json()["fields"]}
    assert fields["order.total.minor"]["kind"] == "a whole number"
    assert fields["order.lines.quantity"]["list"] == "order.lines"
    assert "params.hold_above" in fields


def test_stricter_terms_count_at_once_and_looser_ones_with_a_second_person(
    manager: Client, browser: Browser, north: Tenant
) -> None:
    manager.post("/policies/terms/", {"flip_percent": "2.5", "history_days": "30"})
    looser = {"flip_percent": "80", "history_days": "60"}
    sent = manager.post("/policies/terms/", looser, follow=True).content.decode()
    assert "count once another person confirms" in sent
    assert "wants 80% of the last 60 days" in sent
    assert 'value="2.50"' in sent
    second = browser(north, role=Member.Role.MANAGER, name="grace")
    assert "Confirm it" in second.get("/policies/").content.decode()
    told = second.post("/policies/terms/", looser, follow=True).content.decode()
    assert "The terms of publishing were changed." in told
    assert 'value="80.00"' in told


def test_wrong_terms_are_told_at_their_fields_and_stay_typed(manager: Client) -> None:
    sent = manager.post("/policies/terms/", {"flip_percent": "101.5", "history_days": "0"})
    page = sent.content.decode()
    assert sent.status_code == 422
    assert 'value="101.5"' in page
    assert "less than or equal to 100" in page
    assert "greater than or equal to 1" in page
    assert "order-checks" in page


def test_a_policy_is_retired_by_two_and_comes_back(
    manager: Client, browser: Browser, policy: Policy, north: Tenant
) -> None:
    with inside(north):
        decide_once()
    page = f"/policies/{policy.pk}/"
    assert f"{page}retire/" in manager.get(page).content.decode()
    assert "1 of 1 earlier decisions" in manager.get(f"{page}retire/").content.decode()
    assert manager.post(f"{page}retire/", {"note": ""}).status_code == 422
    told = manager.post(f"{page}retire/", {"note": "not needed"}, follow=True).content.decode()
    assert "another person has to say so too" in told
    assert "not needed" in told
    second = browser(north, role=Member.Role.MANAGER, name="grace")
    told = second.post(f"{page}retire/", {"note": "agreed"}, follow=True).content.decode()
    assert "Not in force" in told
    assert "Retired" in second.get("/policies/").content.decode()
    refused = second.post(f"{page}retire/", {"note": "again"})
    assert refused.status_code == 422
    assert "nothing to retire" in refused.content.decode()
    second.post(f"{page}versions/1/roll-back/", {"note": "missed"})
    assert "v2 in force" in second.get(page).content.decode()


def test_what_was_asked_for_is_taken_back(manager: Client, policy: Policy, north: Tenant) -> None:
    with inside(north):
        decide_once()
    page = f"/policies/{policy.pk}/"
    manager.post(f"{page}retire/", {"note": "not needed"})
    assert "wants it taken out of force" in manager.get(page).content.decode()
    manager.post(f"{page}keep/")
    assert "wants it taken out of force" not in manager.get(page).content.decode()


def test_what_was_switched_off_says_so_and_is_switched_on(
    manager: Client, policy: Policy, north: Tenant
) -> None:
    with inside(north):
        Policy.objects.filter(pk=policy.pk).update(is_active=False)
    page = f"/policies/{policy.pk}/"
    assert "take no part in decisions" in manager.get(page).content.decode()
    manager.post(f"{page}switch-on/", {"note": "again"})
    assert "v1 in force" in manager.get(page).content.decode()


def test_lists_are_searched_and_sorted(
    manager: Client, browser: Browser, policy: Policy, north: Tenant
) -> None:
    with inside(north):
        decision = Decision.objects.create(
            context="order", subject_type="order", subject_id=policy.pk, verdict="hold",
            input_sha256="0",
            reasons=[{"code": "seldom", "message": "m", "verdict": "hold", "policy": ""}],
        )  # fmt: skip
        run = SimulationRun.objects.create(
            policy=policy, rules=[], rules_sha256="0", since=decision.decided_at, asked_by="Ada",
            status="done",
        )  # fmt: skip
        run.found.create(
            decision_id=decision.pk, subject_type="order", subject_id=policy.pk,
            decided_at=decision.decided_at, before="hold", after="accept", codes=["seldom"],
            minor=1250, currency="EUR",
        )  # fmt: skip
    for page, shown in (
        ("/decisions/", f"/decisions/{decision.pk}/"),
        (f"/policies/simulations/{run.pk}/", "€12.50"),
        ("/policies/", "order-checks"),
    ):
        word = "order" if page == "/policies/" else "seldom"
        assert shown in manager.get(f"{page}?q={word}&sort=-decided").content.decode()
        assert shown not in manager.get(f"{page}?q=nowhere").content.decode()
    assert str(decision.pk) in manager.get(f"/decisions/?q={policy.pk}").content.decode()


@pytest.mark.parametrize("days", ["0", "5000", "many", ""])
def test_days_that_cannot_be_are_told_at_the_field_and_stay_typed(
    manager: Client, policy: Policy, days: str
) -> None:
    address = f"/policies/{policy.pk}/simulate/"
    manager.post(f"/policies/{policy.pk}/draft/", form(RULE))
    manager.post(f"/policies/{policy.pk}/submit/", {"note": "please"})
    for version in ("", "2"):
        sent = manager.post(address, {"days": days, "version": version})
        page = sent.content.decode()
        assert sent.status_code == 422
        assert "field-wrong" in page
        assert not days or f'value="{days}"' in page
        title = "Version 2" if version else policy.title
        assert f"<h1>{title}</h1>" in page


def test_a_draft_with_a_fault_is_not_simulated_and_says_why(
    manager: Client, policy: Policy, north: Tenant
) -> None:
    with inside(north):
        policy.rules.update(expression="order.totl > 1")
    sent = manager.post(f"/policies/{policy.pk}/simulate/", {"days": "12"})
    assert sent.status_code == 422
    assert "There is no field “totl”" in sent.content.decode()
    assert 'value="12"' in sent.content.decode()


def test_a_time_that_has_passed_is_told_at_its_field_alone(
    manager: Client, policy: Policy, north: Tenant
) -> None:
    page = f"/policies/{policy.pk}/"
    manager.post(f"{page}draft/", form(RULE))
    manager.post(f"{page}submit/", {"note": "please"})
    given = {"at": "2020-01-01T10:00", "note": "long ago"}
    sent = manager.post(f"{page}versions/2/schedule/", given)
    shown = sent.content.decode()
    assert sent.status_code == 422
    assert shown.count("Choose a time that is still to come") == 1
    assert shown.count("long ago") == 1
    assert shown.count('id="id_note"') == shown.count('id="schedule_note"') == 1
    assert shown.count('type="datetime-local"') == 1


def test_many_versions_stand_on_pages(manager: Client, policy: Policy, north: Tenant) -> None:
    with inside(north):
        for number in range(2, 14):
            PolicyVersion.objects.create(policy=policy, number=number, rules=[], published_by="A")
    page = f"/policies/{policy.pk}/"
    shown = manager.get(page).content.decode()
    assert "Page 1 of 2" in shown
    assert f"{page}versions/13/" in shown
    assert f"{page}versions/1/" not in shown
    part = manager.get(f"{page}?page=2", headers={"HX-Request": "true"}).content.decode()
    assert f"{page}versions/1/" in part
    assert "<html" not in part
    assert f"{page}versions/1/" in manager.get(f"{page}?sort=number").content.decode()


def test_a_short_name_that_cannot_be_says_what_can(manager: Client) -> None:
    sent = manager.post("/policies/new/", {"title": "T", "slug": "My Name", "context": "order"})
    assert sent.status_code == 422
    assert "Use lower-case letters, digits and hyphens" in sent.content.decode()


def test_a_simulation_of_nothing_says_so_and_is_begun_again(
    manager: Client, policy: Policy, north: Tenant
) -> None:
    began = manager.post(f"/policies/{policy.pk}/simulate/", {"days": "3"})
    with inside(north):
        run_simulation(SimulationRun.objects.get().pk)
    shown = manager.get(began.headers["Location"]).content.decode()
    assert "Nothing was decided within these days" in shown
    assert '<input type="hidden" name="days" value="3">' in shown
    assert "Simulate it again" in shown
