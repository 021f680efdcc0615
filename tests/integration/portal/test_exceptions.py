"""Exceptions as members see them: found, sorted, given to somebody, corrected and sent again."""

import json
import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from controlplane.events import delivery, pauses
from controlplane.events.models import Delivery, Event, ExceptionCase, Pause
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import make_event, make_machine, make_subscription, make_workspace
from tests.factories.installations import make_installation, make_release

Browser = Callable[..., Client]
# Who it is and where, then the counts by type, of the tabs and of the list, and the list.
QUERIES_OF_LIST = 14
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
        from tenants.context import outside

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
