"""Every address, called by everybody who must not get in: generated from the URLs themselves.

A new address fails here until the matrix can call it as its own tenant does, since a call that is
refused for another reason would prove nothing.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from controlplane.events.delivery import _digest
from controlplane.events.models import Delivery
from controlplane.events.services import send_test_event
from controlplane.nodes.registry import all_operations
from tenants.context import inside
from tenants.doors import Door, door_of
from tenants.models import ApiKey, Member, Tenant
from tests.factories.approvals import make_approval, make_order
from tests.factories.events import make_source, make_subscription, make_workspace
from tests.factories.installations import make_installation, make_release
from tests.fakes.n8n import FakeN8n

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TOKEN = "one-time-token"

# Addresses that enter no tenant, each because it has nothing of a tenant's to show.
SHARED = {
    "": "sends on to the admin",
    "admin/enter/": "the one-time link of platform admins",
    "healthz": "says that the process answers",
    "readyz": "says what is missing",
    "api/schema/": "the same for everybody",
    "api/docs/": "the same for everybody",
    "brand.css": "the partner's colour, shown before log-in",
    "brand.svg": "the partner's colour, shown before log-in",
    "profile/": "a member's own settings: shared rows, of the one who is logged in",
    "accounts/login/": "before anybody is known",
    "accounts/logout/": "ends a session",
    "accounts/enter/": "a one-time link",
    "accounts/password/": "before anybody is known",
    "accounts/password/sent/": "before anybody is known",
    "accounts/password/done/": "before anybody is known",
    "accounts/password/<uidb64>/<token>/": "before anybody is known",
}

# What a call of ours carries, by address.
BODIES: dict[str, dict[str, Any]] = {
    "api/v1/subscriptions": {
        "webhook_url": "{n8n}/webhook/other", "event_types": ["order.created"], "workflow_id": "2",
    },
    "api/v1/deliveries/<uuid:delivery_id>/claim": {"token": TOKEN, "include_payload": True},
    "api/v1/approvals/<uuid:approval_id>/decision": {"decision": "approve"},
    "approvals/<uuid:approval_id>/decision/": {"decision": "approve", "comment": "fine"},
    "sources/new/": {"name": "Second shop", "slug": "second", "secret": ""},
    "templates/<slug:slug>/clone/": {"parameter-max_quantity": "7"},
    "installations/<uuid:installation_id>/parameters/": {"parameter-max_quantity": "8"},
}  # fmt: skip
# A name in a route that means another row there than elsewhere.
BY_ROUTE = {("templates", "slug"): "template", ("sources", "event_id"): "test_event"}
# What a field of an operation's input is filled with; those that name a row come from the world.
TEXTS = {"action": "order.seen", "subject_type": "order", "subject_id": "1"}


@dataclass(frozen=True)
class Address:
    host: str
    route: str
    view: Callable[..., Any]

    @property
    def door(self) -> Door:
        return door_of(self.view)

    def __str__(self) -> str:
        return f"{self.host}:{self.route}"


def _walk(patterns: list[Any], before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":  # Django's own; below
                yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


ADDRESSES = [
    Address(host, route, view)
    for host, urlconf in (
        ("platform", "controlplane.urls"), ("tenant", "controlplane.tenant_urls"),
    )
    for route, view in _walk(get_resolver(urlconf).url_patterns)
]  # fmt: skip
ENTERING = [address for address in ADDRESSES if address.door is not Door.SHARED]
BY_KEY = [a for a in ENTERING if a.door in {Door.KEY, Door.KEY_OR_MEMBER}]
BY_MEMBER = [
    a for a in ENTERING if a.door in {Door.MEMBER, Door.KEY_OR_MEMBER} and a.host == "tenant"
]


@dataclass
class World:
    """North with a row of every kind. `names` are the texts that nobody else may ever see."""

    tenant: Tenant
    rows: dict[str, Any]
    n8n: str

    def __post_init__(self) -> None:
        self.before = self.state()

    @property
    def secrets(self) -> set[str]:
        return {str(value) for value in self.rows.values() if isinstance(value, uuid.UUID)} | {
            "Hafenstraße", "kaja@example.com", "north-only",
        }  # fmt: skip

    def path(self, address: Address) -> str:
        def fill(found: re.Match[str]) -> str:
            name = found["name"]
            key = BY_ROUTE.get((address.route.partition("/")[0], name), name)
            if key not in self.rows:
                pytest.fail(f"tell the matrix what <{name}> is: {address}")
            return str(self.rows[key])

        return "/" + re.sub(r"<(?:\w+:)?(?P<name>\w+)>", fill, address.route)

    def body(self, address: Address) -> dict[str, Any]:
        for operation in all_operations():
            if address.route.endswith(operation.path):
                return self.input_of(operation.input_model)
        text = json.dumps(BODIES.get(address.route, {})).replace("{n8n}", self.n8n)
        return json.loads(text)

    def given(self, address: Address) -> str:
        return self.path(address) + json.dumps(self.body(address))

    def input_of(self, model: Any) -> dict[str, Any]:
        filled = {}
        for name, field in model.model_fields.items():
            if field.annotation is uuid.UUID:
                if name not in self.rows:
                    pytest.fail(f"tell the matrix which row {model.__name__}.{name} names")
                filled[name] = str(self.rows[name])
            elif field.is_required():
                filled[name] = TEXTS.get(name, "accepted" if name == "outcome" else None)
        return filled

    def state(self) -> str:
        """A fingerprint of every row in the tenant's schema."""
        with inside(self.tenant), connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1",
                [self.tenant.schema_name],
            )
            tables = [row[0] for row in cursor.fetchall()]
            union = " UNION ALL ".join(
                f"SELECT '{t}' AS t, md5(coalesce(string_agg(r::text, '' ORDER BY r::text), ''))"
                f" FROM {t} r"
                for t in tables
            )
            cursor.execute(f"SELECT string_agg(u::text, '' ORDER BY u.t) FROM ({union}) u")
            return cursor.fetchone()[0]


@pytest.fixture
def world(north: Tenant, tmp_path: Any, n8n: FakeN8n) -> World:
    release = make_release(tmp_path)
    with inside(north):
        make_workspace(n8n.url)
        source = make_source("north-only")
        order = make_order(email="kaja@example.com")
        approval = make_approval(make_order(1002), url=n8n.url)
        subscription = make_subscription(n8n.url)
        delivery = Delivery.objects.filter(event_id=order.event_id).get()
        Delivery.objects.filter(pk=delivery.pk).update(token_sha256=_digest(TOKEN))
        installation = make_installation(release)
        tested = send_test_event(source=source).event
    rows = {
        "tenant": north.slug, "source": source.slug, "slug": source.slug,
        "template": "review-orders",
        "order_id": order.pk, "subject_id": order.pk, "event_id": order.event_id,
        "approval_id": approval.pk, "subscription_id": subscription.pk,
        "test_event": tested.pk, "delivery_id": delivery.pk, "installation_id": installation.pk,
    }  # fmt: skip
    return World(north, rows, n8n.url)


def call(client: Client, method: str, address: Address, world: World) -> HttpResponse:
    path, body = world.path(address), world.body(address)
    if address.route.startswith(("api/", "in/")):
        return client.generic(method, path, json.dumps(body), "application/json")
    return client.generic(method, path, urlencode(body), "application/x-www-form-urlencoded")


@dataclass
class Tried:
    """What all methods together answered and did."""

    statuses: dict[str, int]
    shown: str
    has_changed: bool

    @property
    def found(self) -> set[int]:
        return set(self.statuses.values())


def tried(address: Address, world: World, client: Client) -> Tried:
    """Call it with every method, then take back what that did."""
    statuses, shown = {}, ""
    with transaction.atomic():
        for method in METHODS:
            with transaction.atomic():
                response = call(client, method, address, world)
            statuses[method] = response.status_code
            shown += response.content.decode(errors="replace") + str(dict(response.headers))
        has_changed = world.state() != world.before
        transaction.set_rollback(True)
    return Tried(statuses, shown, has_changed)


def assert_nothing_of(world: World, outcome: Tried, *, given: str) -> None:
    """`given` is what was asked with: an answer may repeat it."""
    leaked = {name for name in world.secrets if name in outcome.shown and name not in given}
    assert not leaked, f"it tells {leaked}: {outcome.statuses}"
    assert not outcome.has_changed, f"something of {world.tenant} changed: {outcome.statuses}"


def test_every_address_that_enters_no_tenant_is_meant_to() -> None:
    shared = {a.route for a in ADDRESSES if a.door is Door.SHARED}

    assert shared - set(SHARED) == set(), "give these a door, or say here why they need none"
    assert set(SHARED) - shared == set(), "these are in the list and gone: take them out"


def test_bodies_are_kept_for_addresses_that_exist() -> None:
    assert set(BODIES) - {a.route for a in ADDRESSES} == set()


@pytest.mark.parametrize("address", BY_KEY, ids=str)
def test_an_address_for_machines(
    address: Address, world: World, south: Tenant, machine: Callable[..., Client]
) -> None:
    given = world.given(address)
    own, foreign = machine(world.tenant), machine(south)
    on_host = {"headers": {"host": world.tenant.host}} if address.host == "tenant" else {}
    if on_host:
        own.defaults["HTTP_HOST"] = foreign.defaults["HTTP_HOST"] = world.tenant.host

    nobody = Client(**(on_host or {"headers": {"host": "localhost"}}))
    anonymous = tried(address, world, nobody)
    assert anonymous.found == {401}
    assert_nothing_of(world, anonymous, given=given)

    by_other = tried(address, world, foreign)
    assert_nothing_of(world, by_other, given=given)
    if on_host:
        assert by_other.found == {401}
    elif "<" in address.route and address.door is Door.KEY:
        # Taking away what is already away is answered alike, whoever's it is.
        refused = {404, 405} | ({204} if "subscription_id" in address.route else set())
        assert by_other.found <= refused

    if address.door is Door.KEY:
        assert_callable(address, tried(address, world, own))


def assert_callable(address: Address, outcome: Tried) -> None:
    if min(outcome.found) >= 400:
        pytest.fail(
            f"tell the matrix how to call {address}: its own tenant gets {outcome.statuses}"
        )
    assert max(outcome.found) < 500


@pytest.mark.parametrize("operation", all_operations(), ids=lambda operation: operation.key)
def test_an_operation_finds_no_row_of_another_tenant(
    operation: Any, world: World, south: Tenant, machine: Callable[..., Client]
) -> None:
    body = world.input_of(operation.input_model)
    names_a_row = any(
        f.annotation is uuid.UUID for f in operation.input_model.model_fields.values()
    )

    answer = machine(south).post(f"/api/v1/{operation.path}", body, "application/json")
    own = machine(world.tenant).post(f"/api/v1/{operation.path}", body, "application/json")

    assert answer.status_code == (404 if names_a_row else 200), answer.json()
    assert own.status_code == 200, own.json()


@pytest.mark.parametrize("address", BY_MEMBER, ids=str)
def test_an_address_for_people(
    address: Address, world: World, south: Tenant, browser: Callable[..., Client]
) -> None:
    given = world.given(address)

    anonymous = tried(address, world, Client(headers={"host": world.tenant.host}))
    assert_nothing_of(world, anonymous, given=given)
    assert anonymous.found <= {302, 401}

    stranger = browser(south, role=Member.Role.MANAGER, name="sue")
    at_home = tried(address, world, stranger)
    assert_nothing_of(world, at_home, given=given)
    if "<uuid" in address.route:
        assert at_home.found <= {403, 404, 405}
    stranger.defaults["HTTP_HOST"] = world.tenant.host
    abroad = tried(address, world, stranger)
    assert_nothing_of(world, abroad, given=given)
    assert abroad.found == {403}

    viewer = tried(address, world, browser(world.tenant, role=Member.Role.VIEWER, name="vic"))
    assert not viewer.has_changed, f"a viewer changed something: {viewer.statuses}"

    manager = browser(world.tenant, role=Member.Role.MANAGER, name="mia")
    assert_callable(address, tried(address, world, manager))


def test_a_source_is_found_only_under_its_own_tenant(world: World, south: Tenant) -> None:
    from tests.factories.events import order_body, webhook_headers

    body = order_body()
    statuses = {
        tenant: Client(headers={"host": "localhost"}).post(
            f"/in/{tenant}/north-only", body, "application/json", headers=webhook_headers(body)
        ).status_code
        for tenant in ("north", "south")
    }  # fmt: skip

    assert [a.route for a in ENTERING if a.door is Door.PATH] == ["in/<slug:tenant>/<slug:source>"]
    assert statuses == {"north": 202, "south": 404}


def test_a_machine_of_another_installation_gets_no_delivery(
    world: World, machine: Callable[..., Client]
) -> None:
    other = machine(world.tenant, installation_id=uuid.uuid4())
    path = f"/api/v1/deliveries/{world.rows['delivery_id']}/claim"

    assert other.post(path, {"token": TOKEN}, "application/json").status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/approvals", "/approvals/", "/api/v1/whoami"])
def test_a_member_who_was_removed_is_out_at_once(
    path: str, world: World, browser: Callable[..., Client]
) -> None:
    client = browser(world.tenant)
    Member.objects.all().delete()

    assert client.get(path).status_code in {401, 403}


def test_a_revoked_key_is_out_at_once(world: World, machine: Callable[..., Client]) -> None:
    client = machine(world.tenant)
    ApiKey.objects.get().revoke()

    assert client.get("/api/v1/whoami").json()["code"] == "key_refused"
