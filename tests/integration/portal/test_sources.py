"""Connecting a shop, its secret, the test button, and what came in."""

import re
from collections.abc import Callable

from django.test import Client

from controlplane.core.actor import Actor
from controlplane.events.models import Event, Source
from controlplane.events.services import create_source
from tenants.context import inside
from tenants.models import Tenant

Browser = Callable[..., Client]


def _source(tenant: Tenant, by: Actor) -> Source:
    with inside(tenant):
        return create_source(slug="shop", name="The shop", by=by)[0]


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
    sent = client.post("/sources/shop/test/")
    page = client.get(sent.headers["Location"].partition("#")[0]).content.decode()
    with inside(north):
        event = Event.objects.get()
    assert event.is_test
    assert event.subject in page
    state = client.get(f"/sources/shop/test/{event.pk}/").content.decode()
    assert re.search('data-status="unheard"', state)
    assert "No active workflow listens" in state


def test_only_managers_change_sources(north: Tenant, browser: Browser, member_actor: Actor) -> None:
    _source(north, member_actor)
    client = browser(north, role="approver")
    assert client.get("/sources/new/").status_code == 403
    for address in ("/sources/new/", "/sources/shop/test/", "/sources/shop/secret/"):
        refused = client.post(address, {"name": "x"})
        assert refused.status_code == 403
        assert "Manager" in refused.content.decode()
