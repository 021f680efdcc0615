"""Exceptions as members see them: found, sorted, given to somebody, corrected and sent again."""

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from controlplane.core.actor import system
from controlplane.events import delivery, pauses
from controlplane.events.exceptions.opening import open_case
from controlplane.events.models import Delivery, Event, ExceptionCase, Pause
from controlplane.portal import lists
from tenants.context import inside, outside
from tenants.models import Tenant
from tests.factories.approvers import make_partner, make_person
from tests.factories.events import make_event, make_machine, make_subscription, make_workspace
from tests.factories.installations import make_installation, make_release

Browser = Callable[..., Client]
# Who it is and where, then the counts by type, of the tabs and of the list, the list, and who owns
# which part of the work (asked outside of the tenant) and which workflows there are, once for all.
QUERIES_OF_LIST = 17
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def case(north: Tenant) -> ExceptionCase:
    with inside(north):
        make_workspace()
        make_subscription()
        make_event(note=HOSTILE)
        Delivery.objects.update(last_error=f"n8n answered 500 {HOSTILE}", failure="rejected")
        delivery.give_up(Delivery.objects.get().pk)
        return ExceptionCase.objects.get()


@pytest.fixture
def ada(north: Tenant, browser: Browser) -> Client:
    return browser(north, role="manager")


def now(north: Tenant) -> ExceptionCase:
    with inside(north):
        return ExceptionCase.objects.get()


def test_the_list_finds_sorts_and_filters(ada: Client, case: ExceptionCase) -> None:
    for query in (
        "",
        "?q=1001",
        "?sort=-type",
        "?status=all",
        "?type=rejected",
        "?area=automation",
    ):
        assert "#1001" in ada.get(f"/exceptions/{query}").text, query
    for query in ("?q=nobody", "?status=done", "?status=mine", "?type=parse", "?area=support"):
        assert "#1001" not in ada.get(f"/exceptions/{query}").text, query


def test_nonsense_in_the_address_falls_back(ada: Client, case: ExceptionCase) -> None:
    assert ada.get("/exceptions/?sort=x&page=99&type=%00&area=1&status=zz").status_code == 200


def test_a_page_says_what_happened_and_runs_no_script(ada: Client, case: ExceptionCase) -> None:
    page = ada.get(f"/exceptions/{case.pk}/").text

    assert "n8n answered 500" in page
    assert HOSTILE not in page
    assert "Opened" in page


def test_try_again_assign_comment_and_resolve(
    ada: Client, case: ExceptionCase, north: Tenant
) -> None:
    base = f"/exceptions/{case.pk}/"
    ada.post(f"{base}retry/")
    assert now(north).status == "retrying"
    ada.post(f"{base}comment/", {"text": "Asked the shop"})
    assert "Asked the shop" in ada.get(base).text
    ada.post(f"{base}resolve/", {"resolution": "by_hand", "text": "Typed it in"})

    assert now(north).resolution == "by_hand"
    assert "Typed it in" in ada.get(base).text
    assert "Try again" not in ada.get(base).text


def test_a_correction_that_is_wrong_keeps_what_was_typed(
    ada: Client, case: ExceptionCase, north: Tenant
) -> None:
    answer = ada.post(f"/exceptions/{case.pk}/edit/", {"body": '{"typed": '})

    assert answer.status_code == 422
    assert "typed" in answer.text
    with inside(north):
        assert Event.objects.count() == 1


def test_a_correction_is_sent(ada: Client, case: ExceptionCase, north: Tenant) -> None:
    ada.post(f"/exceptions/{case.pk}/edit/", {"body": '{"name": "#1001"}'})

    with inside(north):
        assert Event.objects.get(revision=2).body == '{"name": "#1001"}'
    assert "Revision 2" in ada.get(f"/exceptions/{case.pk}/").text


def test_many_at_once(ada: Client, case: ExceptionCase, north: Tenant) -> None:
    ada.post("/exceptions/bulk/", {"action": "assign", "exception": [str(case.pk), "nonsense"]})
    assert now(north).assignee
    wrong = ada.post("/exceptions/bulk/", {"action": "edit", "exception": str(case.pk)})
    assert wrong.status_code == 422
    assert "checked" in wrong.text
    assert ada.post("/exceptions/bulk/", {"action": "retry"}).status_code == 422
    ada.post(
        "/exceptions/bulk/",
        {"action": "edit", "exception": str(case.pk), "path": "total", "value": "7"},
    )
    with inside(north):
        assert json.loads(Event.objects.get(revision=2).body)["total"] == 7


def test_an_error_leaves_the_page_the_filters_and_the_ticks(
    ada: Client, north: Tenant, case: ExceptionCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(lists.listing.__kwdefaults__, "per_page", 2)
    cases = [case, *more(north, 4)]
    address = "/exceptions/bulk/?status=all&type=rejected&sort=-opened&page=2"
    ticked = str(cases[1].pk)

    page = ada.post(
        address,
        {"action": "edit", "exception": ticked, "path": "", "value": "typed"},
    )

    assert page.status_code == 422
    assert re.search(rf'value="{ticked}"[^>]* checked', page.text)
    assert "Page 2 of 3" in page.text
    assert 'value="typed"' in page.text
    assert re.search(r'value="rejected" selected', page.text)
    # Any further try is about the same list again.
    assert "page=2" in re.findall(r'action="([^"]*bulk[^"]*)"', page.text)[0]
    done = ada.post(address, {"action": "retry", "exception": ticked})
    assert done.headers["Location"] == ("/exceptions/?status=all&type=rejected&sort=-opened&page=2")
    assert ada.get(address).headers["Location"] == done.headers["Location"]


def more(north: Tenant, count: int) -> list[ExceptionCase]:
    with inside(north):
        for number in range(count):
            event = make_event(number=3000 + number)
            delivery.give_up(event.deliveries.get().pk)
        return list(ExceptionCase.objects.order_by("opened_at")[1:])


def test_all_of_a_page_and_all_that_match(
    ada: Client, north: Tenant, case: ExceptionCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(lists.listing.__kwdefaults__, "per_page", 2)
    more(north, 4)
    with inside(north):
        other = open_case(type="parse", fingerprint="x", summary="No", by=system("tests"))
    page = ada.get("/exceptions/?type=rejected&page=2").text
    assert "on this page (2)" in page
    assert "on every page (5)" in page
    shown = re.findall(r'name="shown" value="([^"]+)"', page)
    assert len(shown) == 2

    ada.post(
        "/exceptions/bulk/?type=rejected&page=2",
        {"action": "assign", "which": "page", "shown": shown},
    )
    with inside(north):
        given = set(ExceptionCase.objects.exclude(assignee_id="").values_list("pk", flat=True))
    assert given == {uuid.UUID(one) for one in shown}

    ada.post("/exceptions/bulk/?type=rejected&page=2", {"action": "dismissed", "which": "match"})
    with inside(north):
        assert [one.pk for one in ExceptionCase.objects.unresolved()] == [other.pk]


def test_more_than_may_be_done_at_once_is_said_and_not_done(
    ada: Client, north: Tenant, case: ExceptionCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    more(north, 2)
    monkeypatch.setattr("controlplane.events.exceptions.handling.MOST_AT_ONCE", 2)

    page = ada.post("/exceptions/bulk/", {"action": "dismissed", "which": "match"})

    assert page.status_code == 422
    assert "up to 2" in page.text
    with inside(north):
        assert ExceptionCase.objects.unresolved().count() == 3


def test_who_may_not_see_bodies_is_not_offered_to_correct_them(
    north: Tenant, case: ExceptionCase
) -> None:
    partner = make_partner(north, "acme", {"automation"})
    person = make_person(north, "pat", partner=partner)
    client = Client(headers={"host": north.host})
    client.force_login(User.objects.get(pk=person.id), "django.contrib.auth.backends.ModelBackend")

    page = client.get("/exceptions/").text

    assert 'value="retry"' in page
    assert 'value="edit"' not in page
    assert 'name="path"' not in page
    # The partner that owns this part of the work, in the list as on the page.
    assert "Acme" in page
    tried = client.post("/exceptions/bulk/", {"action": "edit", "exception": str(case.pk)})
    assert tried.status_code == 422


def test_the_workflow_and_its_installation_are_named_and_filtered_by(
    ada: Client, north: Tenant, case: ExceptionCase, tmp_path: Path
) -> None:
    with inside(north):
        with outside():
            release = make_release(tmp_path)
        installation = make_installation(release)
        one = open_case(
            type="parse", fingerprint="x", summary="Of an installation", by=system("tests"),
            installation_id=installation.pk, workflow_id="wf-77", execution_id="4711",
        )  # fmt: skip
    name = installation.workflow_name or installation.template_title

    page = ada.get(f"/exceptions/{one.pk}/").text
    assert f"/installations/{installation.pk}/" in page
    assert "wf-77" in page
    assert "4711" in page
    listed = ada.get(f"/exceptions/?installation={installation.pk}").text
    assert name in listed
    assert "Of an installation" in listed
    assert "#1001" not in listed
    assert "#1001" in ada.get("/exceptions/?installation=nonsense").text


def test_who_may_only_look_may_not_touch(
    browser: Browser, case: ExceptionCase, north: Tenant
) -> None:
    viewer = browser(north, role="viewer")

    assert "Try again" not in viewer.get(f"/exceptions/{case.pk}/").text
    assert viewer.post(f"/exceptions/{case.pk}/retry/").status_code == 403
    assert now(north).status == "open"


def test_another_tenants_is_not_there(browser: Browser, case: ExceptionCase, south: Tenant) -> None:
    other = browser(south, role="manager")

    assert other.get(f"/exceptions/{case.pk}/").status_code == 404


def test_queries_of_the_list(
    ada: Client,
    case: ExceptionCase,
    north: Tenant,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    with inside(north):
        for number in range(3):
            event = make_event(number=2000 + number)
            delivery.give_up(event.deliveries.get().pk)
    ada.get("/exceptions/")
    with django_assert_max_num_queries(QUERIES_OF_LIST):  # type: ignore[attr-defined]
        ada.get("/exceptions/")


def test_a_workflow_is_paused_done_by_hand_and_goes_on(
    ada: Client, north: Tenant, tmp_path: object
) -> None:
    with inside(north):
        make_workspace()
        with outside():
            release = make_release(tmp_path)  # type: ignore[arg-type]
        installation = make_installation(release)
        make_subscription(by=make_machine(installation.pk))
        make_event()
    base = f"/installations/{installation.pk}"

    ada.post(f"{base}/pause/", {"reason": "Wrong prices"})
    assert "Wrong prices" in ada.get(f"{base}/").text
    with inside(north):
        delivery.deliver(Delivery.objects.get().pk)
        held = pauses.held(installation.pk).get()
    assert "#1001" in ada.get(f"{base}/held/").text
    ada.post(f"{base}/by-hand/", {"delivery": [str(held.pk), str(uuid.uuid4())]})
    assert "#1001" not in ada.get(f"{base}/held/").text
    ada.post(f"{base}/resume/")
    with inside(north):
        assert not Pause.objects.exists()
        assert Delivery.objects.get().status == "set_aside"
