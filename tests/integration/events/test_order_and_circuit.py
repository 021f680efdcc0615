"""In turn where it is asked for, not at all while n8n is away or a workflow is paused."""

import uuid
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import Client

from controlplane.events import circuit, delivery, outbox, pauses, services
from controlplane.events.models import (
    Delivery,
    ExceptionCase,
    OutboxMessage,
    Source,
    Subscription,
)
from controlplane.instances.models import Workspace
from tenants.context import inside
from tenants.models import ApiKey, Tenant
from tests.factories.events import (
    ADA,
    make_event,
    make_machine,
    make_subscription,
    make_workspace,
)
from tests.fakes.n8n import FakeN8n

PATH = "/webhook/orders"


@pytest.fixture
def listener(tenant: Tenant, n8n: FakeN8n) -> Iterator[uuid.UUID]:
    """An installation that listens; n8n answers and does not fetch."""
    cache.clear()
    make_workspace(n8n.url)
    installation_id = uuid.uuid4()
    make_subscription(n8n.url, by=make_machine(installation_id))
    n8n.webhooks[PATH] = lambda body: 200
    yield installation_id
    cache.clear()


def try_all() -> list[str]:
    """Why each delivery, oldest event first, is not done yet; empty where it is."""
    found = []
    for one in Delivery.objects.order_by("event__received_at", "event_id"):
        try:
            delivery.deliver(one.pk)
        except outbox.NotYet as why:
            found.append(str(why))
        else:
            found.append("")
    return found


def test_events_of_one_subject_come_in_turn(listener: uuid.UUID, n8n: FakeN8n) -> None:
    first = make_event()
    Source.objects.update(is_ordered=True)
    make_event(note="changed")
    make_event(number=1002)

    assert ["earlier" in why for why in try_all()] == [False, True, False]
    assert len(n8n.called("POST", PATH)) == 2
    Delivery.objects.filter(event=first).update(status=Delivery.Status.DELIVERED)
    assert ["earlier" in why for why in try_all()] == [False, False, False]


def test_one_that_failed_holds_up_the_later_ones_until_it_is_handled(listener: uuid.UUID) -> None:
    first = make_event()
    Source.objects.update(is_ordered=True)
    make_event(note="changed")
    Delivery.objects.filter(event=first).update(status=Delivery.Status.FAILED)
    later = Delivery.objects.exclude(event=first).get()

    with pytest.raises(outbox.NotYet, match="earlier") as raised:
        delivery.deliver(later.pk)
    assert raised.value.is_waiting
    Delivery.objects.filter(event=first).update(status=Delivery.Status.SET_ASIDE)
    with pytest.raises(outbox.NotYet, match="did not fetch"):
        delivery.deliver(later.pk)


def test_where_order_is_not_asked_for_nobody_waits(listener: uuid.UUID) -> None:
    make_event()
    make_event(note="changed")

    assert not any("earlier" in why for why in try_all())


def test_the_circuit_opens_and_one_probe_closes_it(listener: uuid.UUID, n8n: FakeN8n) -> None:
    for number in range(circuit.FAILURES + 2):
        make_event(number=number)
    n8n.webhooks[PATH] = lambda body: 503

    said = try_all()

    assert sum("503" in why for why in said) == circuit.FAILURES
    assert sum("nobody calls it" in why for why in said) == 2
    (case,) = ExceptionCase.objects.all()
    assert (case.type, case.area) == ("connection", "infrastructure")
    instance_id = Workspace.current().instance_id
    assert circuit.wait_for(instance_id) > 0
    _let_the_pause_pass(instance_id)
    assert circuit.wait_for(instance_id) == 0
    assert circuit.wait_for(instance_id) > 0, "a second probe beside the first"
    n8n.webhooks[PATH] = lambda body: 200
    circuit.note_success(instance_id)
    assert circuit.wait_for(instance_id) == 0


def test_the_exception_of_an_open_circuit_ends_with_it(listener: uuid.UUID, n8n: FakeN8n) -> None:
    for number in range(circuit.FAILURES):
        make_event(number=number)
    n8n.webhooks[PATH] = lambda body: 503
    try_all()
    n8n.webhooks[PATH] = lambda body: 200
    _let_the_pause_pass(Workspace.current().instance_id)

    try_all()

    assert ExceptionCase.objects.get().resolution == "succeeded"


def test_what_a_workflow_answers_opens_no_circuit(listener: uuid.UUID, n8n: FakeN8n) -> None:
    for number in range(circuit.FAILURES + 2):
        make_event(number=number)
    n8n.webhooks[PATH] = lambda body: 500

    assert all("500" in why for why in try_all())


def test_waiting_does_not_count_towards_giving_up(yard: Tenant) -> None:
    def wait(reference: uuid.UUID) -> None:
        raise outbox.NotYet("not its turn", seconds=1, is_waiting=True)

    outbox._handlers["tests.turn"] = wait
    try:
        with inside(yard):
            outbox.put("tests.turn", uuid.uuid4())
        outbox.carry_out(outbox.claim(limit=1)[0])
        assert OutboxMessage.objects.get().attempts == 0
    finally:
        del outbox._handlers["tests.turn"]


def test_a_paused_installation_gets_nothing_and_then_everything(
    listener: uuid.UUID, n8n: FakeN8n
) -> None:
    make_event()
    make_event(number=1002)
    pauses.pause_installation(installation_id=listener, reason="Wrong prices", by=ADA)

    assert try_all() == ["", ""]
    assert n8n.called("POST", PATH) == []
    held = list(pauses.held(listener))
    assert [one.event.subject for one in held] == ["#1001", "#1002"]
    done = pauses.set_aside(installation_id=listener, delivery_ids=[held[0].pk], by=ADA)
    assert done == 1
    assert pauses.resume_installation(installation_id=listener, by=ADA) == 1
    assert [one.status for one in Delivery.objects.order_by("event__received_at")] == [
        "set_aside", "pending",
    ]  # fmt: skip


def test_what_a_pause_holds_back_outlives_a_restart_of_n8n(
    listener: uuid.UUID, n8n: FakeN8n
) -> None:
    """Which takes its listener away and sets up another."""
    make_event()
    pauses.pause_installation(installation_id=listener, reason="Wrong prices", by=ADA)
    assert try_all() == [""]

    by = make_machine(listener)
    services.unsubscribe(subscription_id=Subscription.objects.get().pk, by=by)
    make_subscription(n8n.url, by=by)

    assert try_all() == [""]
    assert [one.event.subject for one in pauses.held(listener)] == ["#1001"]
    assert pauses.resume_installation(installation_id=listener, by=ADA) == 1


def test_one_that_may_go_on_while_n8n_is_away_gets_all_when_it_is_back(
    listener: uuid.UUID, n8n: FakeN8n
) -> None:
    make_event()
    pauses.pause_installation(installation_id=listener, reason="Wrong prices", by=ADA)
    try_all()
    by = make_machine(listener)
    services.unsubscribe(subscription_id=Subscription.objects.get().pk, by=by)
    assert [one.event.subject for one in pauses.held(listener)] == ["#1001"]
    pauses.resume_installation(installation_id=listener, by=ADA)
    assert try_all() == [""]

    make_subscription(n8n.url, by=by)

    assert "did not fetch" in try_all()[0]


def test_another_installation_goes_on(listener: uuid.UUID, n8n: FakeN8n) -> None:
    make_event()
    pauses.pause_installation(installation_id=uuid.uuid4(), reason="", by=ADA)

    assert "did not fetch" in try_all()[0]


def test_a_paused_installation_may_change_nothing(north: Tenant) -> None:
    installation_id = uuid.uuid4()
    _key, text = ApiKey.issue(
        tenant=north, name="k", scopes=["audit:record"], installation_id=installation_id
    )
    with inside(north):
        pauses.pause_installation(installation_id=installation_id, reason="Stop", by=ADA)
    client = Client(headers={"host": "localhost", "authorization": f"Bearer {text}"})
    body = {"action": "order.exported", "subject_type": "order", "subject_id": "1"}

    answer = client.post("/api/v1/operations/audit/record", body, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (409, "installation_paused")
    assert "Ada Lovelace" in answer.json()["detail"]


def _let_the_pause_pass(instance_id: uuid.UUID) -> None:
    cache.set(circuit._keys(instance_id)[1], 0, timeout=60)


def test_how_long_n8n_takes_is_measured_whether_it_answers_or_not(
    listener: uuid.UUID, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[object, ...]] = []
    taken = SimpleNamespace(observe=lambda seconds, *labels: seen.append((seconds > 0, *labels)))
    monkeypatch.setattr("controlplane.events.outage.N8N_CALLS", taken)
    instance = Workspace.current().instance_id
    make_event()

    try_all()
    Delivery.objects.update(offered_at=None)
    n8n.break_off("POST", PATH, after_effect=False)
    try_all()

    assert seen == [(True, instance, "answered"), (True, instance, "no_answer")]
