"""Word to the people who take tickets over: at once, but no more often than they can read."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from controlplane.events.models import OutboxMessage
from controlplane.support import telling
from controlplane.support.models import Ticket
from controlplane.support.services import close_ticket, hand_over
from tenants.context import inside, outside
from tenants.models import Member, Tenant
from tests.factories.events import ADA, make_machine
from tests.factories.support import make_ticket


@pytest.fixture
def people(north: Tenant, make_member: Callable[..., Member]) -> Iterator[Tenant]:
    make_member(north, Member.Role.APPROVER, "ada")
    with inside(north):
        telling.forget_told()
        yield north
        telling.forget_told()


def handed_over(**fields: Any) -> Ticket:
    ticket = make_ticket(**fields)
    return hand_over(ticket_id=ticket.pk, reason="", by=make_machine())


def later() -> list[OutboxMessage]:
    with outside():
        return list(OutboxMessage.objects.filter(handler="support.tell_handed_over"))


def test_a_flood_is_told_once_and_once_more_when_it_has_passed(
    people: Tenant, mailoutbox: list[EmailMessage], django_capture_on_commit_callbacks: Any
) -> None:
    first, second, third = (handed_over() for _ in range(3))

    assert [telling.tell_handed_over(ticket.pk) for ticket in (first, second, third)] == [1, 0, 0]

    assert len(mailoutbox) == 1
    (message,) = later()
    assert message.reference == second.pk
    ahead = message.due_at - timezone.now()
    assert timedelta(minutes=9) < ahead <= timedelta(minutes=10, seconds=2)

    telling.forget_told()  # ten minutes later
    with django_capture_on_commit_callbacks() as enqueued:
        telling.tell_now(message.reference)
    assert [call.args for call in enqueued] == [("support.mail_handed_over",)]
    assert telling.tell_handed_over(message.reference) == 1
    assert second.number in mailoutbox[1].subject
    assert "Tickets that wait for a person, with this one: 3" in mailoutbox[1].body


def test_where_the_ticket_waits_no_more_the_newest_that_does_is_told(
    people: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    gone, newest = handed_over(), handed_over()
    close_ticket(ticket_id=gone.pk, by=ADA)

    telling.tell_handed_over(gone.pk)

    assert [newest.number in mail.subject for mail in mailoutbox] == [True]
    assert "with this one" not in mailoutbox[0].body


def test_where_nobody_is_waited_for_nobody_is_told(
    people: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    gone = handed_over()
    close_ticket(ticket_id=gone.pk, by=ADA)

    assert telling.tell_handed_over(gone.pk) == 0
    assert telling.tell_handed_over(handed_over(is_test=True).pk) == 0
    assert not mailoutbox
    # Nor does that cost the next one its mail.
    assert telling.tell_handed_over(handed_over().pk) == 1


def test_without_redis_everything_is_told(
    people: Tenant, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise RedisConnectionError("refused")

    monkeypatch.setattr("controlplane.support.telling.cache.add", down)

    assert [telling.tell_handed_over(handed_over().pk) for _ in range(2)] == [1, 1]
