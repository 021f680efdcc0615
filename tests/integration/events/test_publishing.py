"""Events of Pergola's own: as durable as those from outside, and from a source nobody can call."""

import json
import threading
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client

from controlplane.events.intake import SourceUnknown, get_source
from controlplane.events.kinds import INTERNAL, KindUnknown, Received, offered
from controlplane.events.models import Delivery, Event, OutboxMessage, Source
from controlplane.events.services import (
    EventTypeUnknown,
    NothingToTry,
    create_source,
    internal_source,
    publish,
    published,
    replace_secret,
    send_test_event,
)
from tenants.context import inside, outside
from tenants.models import Tenant
from tests.factories.events import ADA, make_source, make_subscription, make_workspace


def say(external_id: str = "invoice:1", **changes: Any) -> Received:
    given = {
        "type": "invoice.received",
        "subject": "rechnung.xml",
        "body": {"invoice_id": external_id, "filename": "Rechnung März.xml"},
        "external_id": external_id,
        "by": ADA,
    } | changes
    return publish(**given)


def test_it_is_kept_and_handed_to_who_listens(tenant: Tenant) -> None:
    make_workspace()
    make_subscription(event_types=["invoice.received"])

    received = say()

    event = Event.objects.get()
    assert received == Received(event, is_duplicate=False)
    assert (event.subject, event.source.slug, event.is_test) == ("rechnung.xml", "pergola", False)
    assert json.loads(event.body)["filename"] == "Rechnung März.xml"
    delivery = Delivery.objects.get()
    with outside():
        assert OutboxMessage.objects.get().reference == delivery.pk


def test_the_same_again_is_known_and_goes_nowhere_twice(tenant: Tenant) -> None:
    make_workspace()
    make_subscription(event_types=["invoice.received"])
    first = say()

    again = say(subject="another")

    assert again == Received(first.event, is_duplicate=True)
    assert Event.objects.get().duplicates == 1
    assert Delivery.objects.count() == 1


def test_it_can_be_asked_for_before(tenant: Tenant) -> None:
    assert published(external_id="invoice:1") is None

    event = say().event

    assert published(external_id="invoice:1") == event
    assert published(external_id="invoice:2") is None
    assert published(external_id="invoice:1", source=make_source()) is None


def test_it_stands_and_falls_with_the_caller(tenant: Tenant) -> None:
    with transaction.atomic():
        say()
        transaction.set_rollback(True)

    assert not Event.objects.exists()


def test_it_may_come_from_a_source_of_the_tenants(tenant: Tenant) -> None:
    source = make_source()

    assert say(source=source).event.source == source
    assert not Source.objects.filter(kind=INTERNAL).exists()


def test_an_unknown_type_is_refused(tenant: Tenant) -> None:
    with pytest.raises(EventTypeUnknown, match=r"invoice\.eaten"):
        say(type="invoice.eaten")


def test_text_that_cannot_be_stored_is_made_storable(tenant: Tenant) -> None:
    assert say(subject="a\x00b" * 100).event.subject == ("a\ufffdb" * 100)[:200]


def test_there_is_one_pergola_in_a_tenant(tenant: Tenant) -> None:
    assert internal_source() == internal_source()
    assert str(internal_source()) == internal_source().get_kind_display() == "Pergola"
    assert internal_source().secret == ""


def test_a_shop_that_is_called_pergola_stays(tenant: Tenant) -> None:
    shop = make_source("pergola")

    source = internal_source()

    assert source != shop
    assert say().event.source == internal_source() == source


def test_each_tenant_has_its_own(north: Tenant, south: Tenant) -> None:
    with inside(north):
        say()
    with inside(south):
        assert published(external_id="invoice:1") is None
        assert say().is_duplicate is False


def test_it_cannot_be_reached_from_outside(tenant: Tenant) -> None:
    source = internal_source()
    with pytest.raises(SourceUnknown):
        get_source(source.slug)
    with outside():
        client = Client(headers={"host": "localhost"})
        answer = client.post("/in/north/pergola", b"{}", "application/json")

    assert (answer.status_code, answer.json()["code"]) == (404, "source_unknown")


def test_it_is_not_set_up_by_anybody(tenant: Tenant) -> None:
    assert INTERNAL not in {kind.name for kind in offered()}
    with pytest.raises(KindUnknown):
        create_source(slug="mine", name="Mine", kind=INTERNAL, by=ADA)
    with pytest.raises(KindUnknown):
        replace_secret(source=internal_source(), by=ADA)
    with pytest.raises(NothingToTry):
        send_test_event(source=internal_source())
    assert internal_source().secret == ""


def test_eight_at_once_are_one_event_of_one_source(yard: Tenant) -> None:
    ready = threading.Barrier(8)
    answers: list[Received] = []

    def report() -> None:
        ready.wait(timeout=10)
        with inside(yard):
            answers.append(say())
        connections.close_all()

    threads = [threading.Thread(target=report) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(answer.is_duplicate for answer in answers) == [False] + [True] * 7
    with inside(yard):
        assert Source.objects.count() == Event.objects.count() == 1
