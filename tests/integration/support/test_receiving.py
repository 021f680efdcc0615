"""Tickets come in once, numbered, with the event that tells of them."""

import json
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.events import signing
from controlplane.events.models import Event, Source
from controlplane.events.services import create_source, send_test_event
from controlplane.support.models import Ticket
from controlplane.support.services import TicketInvalid, receive_ticket
from tenants.context import inside, outside
from tenants.models import Tenant
from tests.factories.events import ADA, SECRET, make_machine
from tests.factories.support import make_ticket

BODY = {
    "id": 77,
    "subject": "Refund",
    "body": "When do I get my money back?",
    "requester": {"name": "Kaja", "email": "kaja@example.com"},
    "tags": ["of no interest here"],
}


@pytest.fixture
def helpdesk(tenant: Tenant) -> Source:
    return create_source(slug="helpdesk", name="Helpdesk", kind="tickets", secret=SECRET, by=ADA)[0]


def send(tenant: Tenant, payload: Any, *, secret: str = SECRET, **headers: str) -> Any:
    body = json.dumps(payload).encode()
    # As a server does: the fixtures entered the tenant.
    with outside():
        return Client(headers={"host": "localhost"}).post(
            f"/in/{tenant.slug}/helpdesk",
            body,
            content_type="application/json",
            headers={signing.SIGNATURE_HEADER: signing.sign(body, secret), **headers},
        )


def test_a_ticket_is_numbered_and_told_of(tenant: Tenant) -> None:
    first, second = make_ticket(), make_ticket(subject="Another\r\nBcc: eve@example.com")

    assert (first.number, second.number) == ("T-1001", "T-1002")
    assert second.subject == "Another Bcc: eve@example.com"
    event = Event.objects.get(pk=first.event_id)
    assert event.type == "ticket.received"
    assert json.loads(event.body) == {
        "ticket_id": str(first.pk), "number": "T-1001", "subject": "Refund", "channel": "api",
    }  # fmt: skip
    entry = Entry.objects.get(action="ticket.received", subject_id=str(first.pk))
    assert entry.data["number"] == "T-1001"


def test_the_same_number_of_the_same_sender_is_one_ticket(tenant: Tenant) -> None:
    first = make_ticket(external_id="A-1")

    again = receive_ticket(
        subject="Changed", body="x", requester_name="", requester_email="eve@example.com",
        channel="api", external_id="A-1", by=make_machine(),
    )  # fmt: skip

    assert again.is_duplicate
    assert again.ticket == first
    assert again.event.pk == first.event_id
    assert Ticket.objects.get().subject == "Refund"
    # Elsewhere the number means something else.
    assert make_ticket(external_id="A-1", channel="form") != first


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"requester_email": "nobody"}, "requester.email"),
        ({"requester_email": "a@b.example\r\nBcc: eve@example.com"}, "requester.email"),
        ({"body": "  ", "subject": ""}, "body"),
        ({"body": "x" * 50_001}, "body"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    tenant: Tenant, fields: dict[str, str], field: str
) -> None:
    with pytest.raises(TicketInvalid) as refused:
        make_ticket(**fields)

    assert [error.field for error in refused.value.errors] == [field]
    assert not Ticket.objects.exists()
    assert not Event.objects.exists()


def test_what_cannot_be_stored_is_replaced(tenant: Tenant) -> None:
    assert make_ticket("half \ud800 and nul \x00").body == "half \ufffd and nul \ufffd"


def test_a_signed_webhook_brings_a_ticket_once(north: Tenant, helpdesk: Source) -> None:
    first, again = send(north, BODY), send(north, BODY)

    assert (first.status_code, again.status_code) == (202, 200)
    ticket = Ticket.objects.get()
    assert (ticket.channel, ticket.source_slug, ticket.external_id) == (
        "webhook", "helpdesk", "77",
    )  # fmt: skip
    assert first.json()["event_id"] == again.json()["event_id"] == str(ticket.event_id)


def test_a_webhook_without_a_number_is_known_by_its_bytes(north: Tenant, helpdesk: Source) -> None:
    unnumbered = {name: value for name, value in BODY.items() if name != "id"}

    send(north, unnumbered)
    send(north, unnumbered)
    send(north, unnumbered | {"body": "Something else"})

    assert Ticket.objects.count() == 2


def test_a_forged_or_broken_webhook_brings_nothing(north: Tenant, helpdesk: Source) -> None:
    assert send(north, BODY, secret="guessed").status_code == 401
    refused = send(north, {"subject": "x", "requester": {}})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "requester.email"
    assert not Ticket.objects.exists()


def test_the_test_button_brings_a_ticket_that_is_marked(tenant: Tenant, helpdesk: Source) -> None:
    event = send_test_event(source=helpdesk).event

    ticket = Ticket.objects.get(event_id=event.pk)
    assert ticket.is_test
    assert event.is_test


def test_tickets_that_come_at_the_same_moment_get_numbers_of_their_own(yard: Tenant) -> None:
    failures: list[BaseException] = []

    def come(number: int) -> None:
        try:
            with inside(yard):
                make_ticket(f"Question {number}", external_id=f"E-{number % 4}")
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=come, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with inside(yard):
        assert failures == []
        assert sorted(Ticket.objects.values_list("number", flat=True)) == [
            "T-1001", "T-1002", "T-1003", "T-1004",
        ]  # fmt: skip
