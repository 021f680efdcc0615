"""Connecting a shop, its secret, the test button, and what came in."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.core.actor import Actor, ActorKind
from controlplane.events import kinds, signing
from controlplane.events.incoming import Incoming, parse_object
from controlplane.events.kinds import Received, SourceKind
from controlplane.events.models import Delivery, Event, Source
from controlplane.events.services import create_source, internal_source, publish
from tenants.context import inside
from tenants.models import Tenant

Browser = Callable[..., Client]


def _source(tenant: Tenant, by: Actor) -> Source:
    with inside(tenant):
        return create_source(slug="shop", name="The shop", by=by)[0]


@pytest.fixture
def notes() -> Iterator[SourceKind]:
    """A kind that a higher floor brings."""

    def receive(source: Source, incoming: Incoming) -> Received:
        note = parse_object(b"".join(signing.signed_chunks(source, incoming, limit=10_000)))
        return publish(
            type="ticket.received",
            subject=note["subject"],
            body=note,
            external_id=note["subject"],
            is_test=incoming.is_test,
            source=source,
            by=Actor(ActorKind.MACHINE, "1", "Notes"),
        )

    kind = SourceKind(
        "notes",
        "Notes",
        "What <people> write",
        receive,
        example=signing.example(file="note.json", content_type="application/json"),
        sample=lambda source: signing.signed_sample(source, b'{"subject": "A sample"}', {}),
    )
    kinds.register_kind(kind)
    yield kind
    kinds.forget_kind("notes")


def test_a_made_secret_is_shown_once(north: Tenant, browser: Browser) -> None:
    client = browser(north, role="manager")
    made = client.post("/sources/new/", {"name": "Müller & Söhne"})
    assert made.headers["Location"] == "/sources/muller-sohne/"
    with inside(north):
        secret = Source.objects.get().secret
    assert secret not in str(dict(client.session.items()))
    page = client.get("/sources/muller-sohne/").content.decode()
    assert secret in page
    assert "/in/north/muller-sohne" in page
    assert secret not in client.get("/sources/muller-sohne/").content.decode()


def test_the_shops_own_key_is_kept_and_not_shown(north: Tenant, browser: Browser) -> None:
    client = browser(north, role="manager")
    key = "shpss_0123456789abcdef"
    client.post("/sources/new/", {"name": "Shop", "secret": f" {key} "})
    assert key not in client.get("/sources/shop/").content.decode()
    with inside(north):
        assert Source.objects.get().secret == key


def test_a_taken_address_keeps_what_was_typed(
    north: Tenant, browser: Browser, member_actor: Actor
) -> None:
    _source(north, member_actor)
    form = {"name": "Second", "slug": "shop"}
    answer = browser(north, role="manager").post("/sources/new/", form)
    assert answer.status_code == 422
    assert 'value="Second"' in answer.content.decode()
    assert "is taken" in answer.content.decode()


def test_replacing_the_secret(north: Tenant, browser: Browser, member_actor: Actor) -> None:
    old = _source(north, member_actor).secret
    client = browser(north, role="manager")
    client.post("/sources/shop/secret/", {"secret": ""})
    with inside(north):
        new = Source.objects.get().secret
    assert new != old
    assert new in client.get("/sources/shop/").content.decode()
    assert client.post("/sources/shop/secret/", {"secret": "short"}).status_code == 422


def test_a_test_event_is_followed(north: Tenant, browser: Browser, member_actor: Actor) -> None:
    _source(north, member_actor)
    client = browser(north, role="manager")
    assert "send-test" in client.get("/sources/shop/").content.decode()
    sent = client.post("/sources/shop/test/")
    page = client.get(sent.headers["Location"].partition("#")[0]).content.decode()
    with inside(north):
        event = Event.objects.get()
    assert event.is_test
    assert event.subject in page
    state = client.get(f"/sources/shop/test/{event.pk}/").content.decode()
    assert re.search('data-status="unheard"', state)
    assert "No active workflow listens" in state


def test_what_is_said_of_the_key_and_the_file_fits_the_kind(
    north: Tenant, browser: Browser, member_actor: Actor
) -> None:
    client = browser(north, role="manager")
    assert "For any other sender: at least 16" in client.get("/sources/new/").content.decode()
    with inside(north):
        create_source(slug="desk", name="Desk", kind="documents", by=member_actor)
    page = client.get("/sources/desk/").content.decode()
    assert re.search(r"-H &#x27;Filename: invoice.xml&#x27; \\", page)


def test_only_managers_change_sources(north: Tenant, browser: Browser, member_actor: Actor) -> None:
    _source(north, member_actor)
    client = browser(north, role="approver")
    assert client.get("/sources/new/").status_code == 403
    for address in ("/sources/new/", "/sources/shop/test/", "/sources/shop/secret/"):
        refused = client.post(address, {"name": "x"})
        assert refused.status_code == 403
        assert "Manager" in refused.content.decode()


def test_a_source_of_another_kind_says_how_to_sign(
    north: Tenant, browser: Browser, notes: SourceKind
) -> None:
    client = browser(north, role="manager")
    form = client.get("/sources/new/?kind=notes").content.decode()
    assert "What &lt;people&gt; write" in form
    assert re.search(r'value="notes"[^>]*checked', form)
    client.post("/sources/new/", {"name": "Desk", "kind": "notes"})
    with inside(north):
        assert Source.objects.get().kind == "notes"
    page = client.get("/sources/desk/").content.decode()
    assert "send-test" in page
    assert "Shopify" not in page
    assert "X-Pergola-Signature: sha256=$SIGNATURE" in page
    assert "--data-binary @note.json" in page
    assert "Notes" in client.get("/sources/").content.decode()


def test_there_is_no_button_without_a_sample(
    north: Tenant, browser: Browser, member_actor: Actor, notes: SourceKind
) -> None:
    kinds.forget_kind("notes")
    kinds.register_kind(replace(notes, sample=None))
    with inside(north):
        create_source(slug="desk", name="Desk", kind="notes", by=member_actor)
    client = browser(north, role="manager")
    page = client.get("/sources/desk/").content.decode()
    assert "/in/north/desk" in page
    assert "send-test" not in page
    assert client.post("/sources/desk/test/").status_code == 409


def test_no_source_of_a_kind_that_is_not_offered(
    north: Tenant, browser: Browser, notes: SourceKind
) -> None:
    client = browser(north, role="manager")
    for kind in ("faxes", "internal"):
        assert client.post("/sources/new/", {"name": "Desk", "kind": kind}).status_code == 422


def test_a_test_of_another_kind_ends_with_its_delivery(
    north: Tenant, browser: Browser, member_actor: Actor, notes: SourceKind
) -> None:
    with inside(north):
        create_source(slug="desk", name="Desk", kind="notes", by=member_actor)
    client = browser(north, role="manager")
    page = client.post("/sources/desk/test/", follow=True).content.decode()
    assert "A sample" in page
    with inside(north):
        event = Event.objects.get()
        Delivery.objects.create(event=event, status=Delivery.Status.DELIVERED)
    state = client.get(f"/sources/desk/test/{event.pk}/").content.decode()
    assert "n8n has it" in state
    assert "hx-get" not in state


def test_pergola_itself_has_events_and_nothing_to_set_up(
    north: Tenant, browser: Browser, member_actor: Actor
) -> None:
    with inside(north):
        internal_source()
        publish(
            type="invoice.received",
            subject="rechnung.xml",
            body={},
            external_id="1",
            by=member_actor,
        )
    client = browser(north, role="manager")
    assert "/sources/pergola/" in client.get("/sources/").content.decode()
    page = client.get("/sources/pergola/").content.decode()
    assert "rechnung.xml" in page
    assert "nothing to set up" in page
    assert "/in/north/pergola" not in page
    assert "send-test" not in page
    assert client.post("/sources/pergola/test/").status_code == 409
    assert client.post("/sources/pergola/secret/", {"secret": ""}).status_code == 422
    with inside(north):
        assert Source.objects.get().secret == ""


def test_what_came_in_of_a_kind_that_is_gone_can_be_read(
    north: Tenant, browser: Browser, member_actor: Actor
) -> None:
    _source(north, member_actor)
    with inside(north):
        Source.objects.update(kind="faxes")
    page = browser(north, role="manager").get("/sources/shop/").content.decode()
    assert "nothing of this kind any more" in page


def test_an_event_that_waited_too_long_says_so(
    north: Tenant, browser: Browser, member_actor: Actor
) -> None:
    with inside(north):
        publish(type="ticket.received", subject="#1", body={}, external_id="1", by=member_actor)
        Event.objects.update(received_at=timezone.now() - timedelta(days=8))
    page = browser(north).get("/sources/pergola/").content.decode()
    assert "within 7 days. It starts none now." in page


def test_a_source_is_renamed_switched_off_and_on(
    north: Tenant, browser: Browser, member_actor: Actor
) -> None:
    _source(north, member_actor)
    client = browser(north, role="manager")

    client.post("/sources/shop/name/", {"name": "Lamps online"})
    assert "Lamps online" in client.get("/sources/").text
    empty = client.post("/sources/shop/name/", {"name": " "})
    assert empty.status_code == 422
    client.post("/sources/shop/switch/", {"to": "off"})
    with inside(north):
        assert Source.objects.get().is_active  # it was not said that they are sure
    client.post("/sources/shop/switch/", {"to": "off", "sure": "yes"})
    page = client.get("/sources/shop/").text
    assert "Switched off" in page
    assert "send-test" not in page
    body = b"{}"
    assert Client(headers={"host": "localhost"}).post(
        "/in/north/shop", body, "application/json"
    ).status_code == 404  # fmt: skip
    client.post("/sources/shop/switch/", {"to": "on"})
    with inside(north):
        assert Source.objects.get().is_active
        said = list(Entry.objects.order_by("sequence").values_list("action", flat=True))
    assert said[-3:] == ["source.renamed", "source.switched_off", "source.switched_on"]


def test_a_removed_source_keeps_what_came_in(
    north: Tenant, browser: Browser, member_actor: Actor
) -> None:
    _source(north, member_actor)
    client = browser(north, role="manager")
    client.post("/sources/shop/test/")
    client.post("/sources/shop/remove/", {})
    with inside(north):
        assert Source.objects.get().removed_at is None

    client.post("/sources/shop/remove/", {"sure": "yes"})

    with inside(north):
        source = Source.objects.get()
        assert (source.secret, source.is_active) == ("", False)
        event = Event.objects.get()
    client.get("/sources/")  # where it was said
    assert "The shop" not in client.get("/sources/").text
    page = client.get("/sources/shop/").text
    assert event.subject in page
    assert "Removed on" in page
    assert "Switch on" not in page
    for what in ("switch/", "remove/", "secret/", "name/", "options/", "test/"):
        client.post(f"/sources/shop/{what}", {"to": "on", "sure": "yes", "name": "x"})
    with inside(north):
        found = Source.objects.get()
        assert (found.is_active, found.secret, found.name) == (False, "", "The shop")
        assert Event.objects.count() == 1
    taken = client.post("/sources/new/", {"name": "Shop", "slug": "shop"})
    assert "was removed" in taken.text


def test_a_source_by_which_nothing_came_leaves_nothing(
    north: Tenant, browser: Browser, member_actor: Actor
) -> None:
    _source(north, member_actor)

    browser(north, role="manager").post("/sources/shop/remove/", {"sure": "yes"})

    with inside(north):
        assert not Source.objects.exists()


def test_only_who_may_change_sources_switches_and_removes(
    north: Tenant, browser: Browser, member_actor: Actor
) -> None:
    _source(north, member_actor)
    client = browser(north, role="approver")
    assert "Remove the source" not in client.get("/sources/shop/").text
    for what in ("switch/", "remove/", "name/"):
        assert client.post(f"/sources/shop/{what}", {"sure": "yes"}).status_code == 403


def test_a_client_certificate_is_replaced_with_an_overlap(
    north: Tenant, browser: Browser, member_actor: Actor, settings: Any
) -> None:
    settings.MTLS_HEADER, settings.MTLS_PROXIES = "X-Client-Fingerprint", ["127.0.0.1"]
    with inside(north):
        create_source(
            slug="shop", name="Shop", kind="certificate", options={"certificate": "AA:01"},
            by=member_actor,
        )  # fmt: skip

    def send(fingerprint: str, body: str) -> int:
        client = Client(headers={"host": "localhost"}, REMOTE_ADDR="127.0.0.1")
        headers = {"X-Client-Fingerprint": fingerprint}
        sent = client.post("/in/north/shop", body, "application/json", headers=headers)
        return sent.status_code

    manager = browser(north, role="manager")
    assert send("aa01", '{"a": 1}') == 202
    manager.post("/sources/shop/options/", {"certificate": "BB:02", "overlap": "24"})

    assert (send("aa01", '{"a": 2}'), send("bb02", '{"a": 3}')) == (202, 202)
    assert "previous-secret" in manager.get("/sources/shop/").text
    manager.post("/sources/shop/options/", {"certificate": "BB:02", "subject_field": "name"})
    assert send("aa01", '{"a": 4}') == 202  # nothing was said of the certificate
    manager.post("/sources/shop/secret/end/")
    assert (send("aa01", '{"a": 5}'), send("bb02", '{"a": 6}')) == (401, 202)
    manager.post("/sources/shop/options/", {"certificate": "CC:03", "overlap": "0"})
    assert (send("bb02", '{"a": 7}'), send("cc03", '{"a": 8}')) == (401, 202)
