"""The outbox: what commits is sent, by one relay, whatever happens to the relays."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from controlplane.events import outbox
from controlplane.events.management.commands.relay import relay
from controlplane.events.models import OutboxMessage
from tenants import lookup
from tenants.context import NoTenant, current_schema, inside
from tenants.models import Tenant

Put = Callable[..., uuid.UUID]


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, uuid.UUID]]:
    """Where and for what a handler of the test ran; `tests.fail` and `tests.wait` do not."""
    seen: list[tuple[str, uuid.UUID]] = []

    def fail(reference: uuid.UUID) -> None:
        raise RuntimeError(f"no luck with {reference}")

    def wait(reference: uuid.UUID) -> None:
        raise outbox.NotYet("n8n sleeps", seconds=5)

    monkeypatch.setitem(
        outbox._handlers, "tests.note", lambda ref: seen.append((current_schema(), ref))
    )
    monkeypatch.setitem(outbox._handlers, "tests.fail", fail)
    monkeypatch.setitem(outbox._handlers, "tests.wait", wait)
    return seen


@pytest.fixture
def put(yard: Tenant, handled: object) -> Put:
    def put(handler: str = "tests.note") -> uuid.UUID:
        reference = uuid.uuid4()
        with inside(yard), transaction.atomic():
            outbox.put(handler, reference)
        return reference

    return put


@pytest.fixture
def relaying() -> Iterator[Callable[[], threading.Thread]]:
    """Starts a relay in a thread; each ends with the test."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def work() -> None:
        try:
            relay(stop=stop, threads=2)
        finally:
            connections.close_all()

    def start() -> threading.Thread:
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        return threads[-1]

    yield start
    stop.set()
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


def eventually(claim: Callable[[], bool], seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_message_runs_inside_its_tenant_and_is_gone(
    put: Put, handled: list[tuple[str, uuid.UUID]]
) -> None:
    reference = put()

    (message,) = outbox.claim(limit=10)
    outbox.carry_out(message)

    assert handled == [("t_yard", reference)]
    assert not OutboxMessage.objects.exists()


def test_what_was_rolled_back_is_not_sent(yard: Tenant, handled: object) -> None:
    with inside(yard), transaction.atomic():
        outbox.put("tests.note", uuid.uuid4())
        transaction.set_rollback(True)

    assert outbox.claim(limit=10) == []


def test_nothing_is_put_by_an_unknown_name_or_outside_of_a_tenant(
    yard: Tenant, handled: object
) -> None:
    with pytest.raises(LookupError), inside(yard):
        outbox.put("tests.nobody", uuid.uuid4())
    with pytest.raises(NoTenant):
        outbox.put("tests.note", uuid.uuid4())


def test_a_handler_that_says_not_yet_is_asked_again_later(put: Put) -> None:
    put("tests.wait")
    outbox.carry_out(outbox.claim(limit=1)[0])

    row = OutboxMessage.objects.get()
    assert (row.attempts, row.last_error, row.claimed_until) == (1, "n8n sleeps", None)
    assert timedelta(seconds=3) < row.due_at - timezone.now() < timedelta(seconds=6)
    assert outbox.claim(limit=1) == []


def test_waits_grow_with_each_try_and_stay_bounded(put: Put) -> None:
    put("tests.fail")
    waits = []
    for _try in range(12):
        OutboxMessage.objects.update(due_at=timezone.now())
        outbox.carry_out(outbox.claim(limit=1)[0])
        waits.append((OutboxMessage.objects.get().due_at - timezone.now()).total_seconds())

    assert waits[0] < 1 < waits[5] < waits[-1] + 20
    assert max(waits) <= outbox.LONGEST_WAIT
    assert "no luck" in OutboxMessage.objects.get().last_error


def test_after_very_many_tries_it_is_given_up_and_shown(put: Put) -> None:
    put("tests.fail")
    OutboxMessage.objects.update(attempts=outbox.MAX_ATTEMPTS - 1)
    outbox.carry_out(outbox.claim(limit=1)[0])

    row = OutboxMessage.objects.get()
    assert row.failed_at is not None
    OutboxMessage.objects.update(due_at=timezone.now())
    assert outbox.claim(limit=1) == []


def test_what_was_given_up_is_told_and_can_be_tried_again(
    put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, uuid.UUID]] = []
    monkeypatch.setitem(
        outbox._told_given_up, "tests.fail", lambda ref: told.append((current_schema(), ref))
    )
    reference = put("tests.fail")
    OutboxMessage.objects.update(attempts=outbox.MAX_ATTEMPTS - 1)
    outbox.carry_out(outbox.claim(limit=1)[0])

    assert told == [("t_yard", reference)]
    assert outbox.try_again(OutboxMessage.objects.all()) == 1
    assert outbox.try_again(OutboxMessage.objects.all()) == 0
    (again,) = outbox.claim(limit=1)
    assert (again.reference, again.attempts) == (reference, 0)


def test_one_that_fails_leaves_the_relay_and_the_others_alone(
    put: Put, handled: list[tuple[str, uuid.UUID]]
) -> None:
    put("tests.fail")
    reference = put()

    for message in outbox.claim(limit=10):
        outbox.carry_out(message)

    assert handled == [("t_yard", reference)]
    assert connection.schema_name == "public"


def test_a_tenant_that_is_suspended_keeps_its_messages(put: Put) -> None:
    from tenants import lookup

    put()
    OutboxMessage.objects.update(attempts=outbox.MAX_ATTEMPTS - 1)
    Tenant.objects.filter(slug="yard").update(status=Tenant.Status.SUSPENDED)
    lookup.forget_tenants()
    try:
        outbox.carry_out(outbox.claim(limit=1)[0])
    finally:
        Tenant.objects.filter(slug="yard").update(status=Tenant.Status.ACTIVE)

    row = OutboxMessage.objects.get()
    assert "no active tenant" in row.last_error
    assert row.failed_at is None


def test_a_handler_says_who_is_told_when_it_is_given_up_or_why_nobody_is() -> None:
    with pytest.raises(ValueError, match="given up"):
        outbox.register("tests.untold", lambda _reference: None)
    assert "tests.untold" not in outbox._handlers


def test_two_relays_never_hold_the_same_message(put: Put) -> None:
    """The second claims while the first one's transaction is still open, and passes over it."""
    for _n in range(6):
        put()
    held = threading.Event()
    go_on = threading.Event()
    ended = threading.Event()
    taken: list[list[outbox.Claimed]] = []

    def first() -> None:
        with transaction.atomic():
            taken.append(outbox.claim(limit=4))
            held.set()
            go_on.wait(timeout=10)
        ended.set()
        connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    held.wait(timeout=10)
    taken.append(outbox.claim(limit=10))
    assert not ended.is_set(), "the second waited for the first"
    go_on.set()
    thread.join(timeout=10)

    one, two = ({message.id for message in messages} for messages in taken)
    assert (len(one), len(two)) == (4, 2)
    assert not one & two


def test_what_a_dead_relay_held_comes_back(put: Put) -> None:
    put()
    assert len(outbox.claim(limit=1)) == 1
    assert outbox.claim(limit=1) == []

    OutboxMessage.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))

    assert len(outbox.claim(limit=1)) == 1


def test_who_relays_alone_takes_what_a_dead_relay_held_at_once(
    put: Put, handled: list[tuple[str, uuid.UUID]], relaying: Callable[[], object]
) -> None:
    reference = put()
    outbox.claim(limit=1)

    relaying()

    eventually(lambda: handled == [("t_yard", reference)])


def test_what_a_living_relay_holds_stays_with_it_until_it_is_done(
    put: Put,
    handled: list[tuple[str, uuid.UUID]],
    relaying: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also while it is about to stop: then it takes nothing new, and ends what it has begun."""
    begun, go_on, stop = threading.Event(), threading.Event(), threading.Event()
    calls: list[uuid.UUID] = []

    def slow(reference: uuid.UUID) -> None:
        calls.append(reference)
        begun.set()
        go_on.wait(timeout=20)

    monkeypatch.setitem(outbox._handlers, "tests.slow", slow)
    put("tests.slow")
    first = threading.Thread(target=lambda: (relay(stop=stop, threads=2), connections.close_all()))
    first.start()
    assert begun.wait(timeout=10)
    stop.set()

    relaying()
    reference = put()
    eventually(lambda: handled == [("t_yard", reference)])

    assert len(calls) == 1
    go_on.set()
    first.join(timeout=10)
    eventually(lambda: not OutboxMessage.objects.exists())
    assert len(calls) == 1


def test_a_commit_wakes_a_relay_that_sleeps(
    put: Put,
    handled: list[tuple[str, uuid.UUID]],
    relaying: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own look around every half second would come too late for this."""
    from controlplane.events.management.commands.relay import _Bell

    sleeps = threading.Event()
    wait = _Bell.wait

    def long_wait(self: _Bell, *, seconds: float) -> None:
        sleeps.set()
        wait(self, seconds=60)

    monkeypatch.setattr(_Bell, "wait", long_wait)
    relaying()
    assert sleeps.wait(timeout=5)
    time.sleep(0.1)
    put()
    eventually(lambda: bool(handled))
    put()  # so that it wakes once more, and sees that it is to stop


def test_two_relays_send_each_message_once(
    put: Put, handled: list[tuple[str, uuid.UUID]], relaying: Callable[[], object]
) -> None:
    references = [put() for _n in range(40)]
    relaying()
    relaying()
    eventually(lambda: not OutboxMessage.objects.exists(), seconds=15)

    assert sorted(reference for _schema, reference in handled) == sorted(references)


def test_a_relay_that_drains_ends_when_nothing_is_due(
    put: Put, handled: list[tuple[str, uuid.UUID]]
) -> None:
    put()
    put("tests.wait")

    relay(stop=threading.Event(), threads=1, drain=True)

    assert len(handled) == 1
    assert OutboxMessage.objects.count() == 1


def test_one_tenants_slow_messages_leave_threads_to_the_others(
    put: Put,
    handled: list[tuple[str, uuid.UUID]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A webhook that answers late, subscribed many times, is all it takes to be slow."""
    other = lookup.tenant_by_slug("south").schema_name
    go_on, stop = threading.Event(), threading.Event()
    begun: list[uuid.UUID] = []

    def linger(reference: uuid.UUID) -> None:
        begun.append(reference)
        go_on.wait(timeout=20)

    def work() -> None:
        try:
            relay(stop=stop, threads=8)
        finally:
            connections.close_all()

    monkeypatch.setitem(outbox._handlers, "tests.linger", linger)
    for _n in range(20):
        put("tests.linger")
    thread = threading.Thread(target=work)
    thread.start()
    try:
        eventually(lambda: len(begun) >= 2)
        theirs = OutboxMessage.objects.create(
            schema_name=other,
            handler="tests.note",
            reference=uuid.uuid4(),
            due_at=timezone.now(),
        )
        eventually(lambda: (other, theirs.reference) in handled)
        assert len(begun) == 2
        go_on.set()
        eventually(lambda: len(begun) == 20 and not OutboxMessage.objects.exists())
    finally:
        go_on.set()
        stop.set()
        thread.join(timeout=10)
