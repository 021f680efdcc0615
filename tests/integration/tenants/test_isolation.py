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
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import URLPattern, URLResolver, get_resolver

from controlplane.nodes.operation import Operation
from controlplane.nodes.registry import all_operations
from tenants.context import inside
from tenants.doors import Door, door_of
from tenants.models import ApiKey, Member, Tenant
from tests.factories.world import Part, parts
from tests.factories.world.orders import TOKEN
from tests.fakes.n8n import FakeN8n

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

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


FOR_ANYBODY = [a for a in ENTERING if a.door is Door.HOST]
# Each takes something in, or says what stands in its own address; none reads a row.
PUBLIC = {
    "support/": "the form by which customers write",
    "support/thanks/": "repeats the number that stands signed in the address",
}


@dataclass
class World:
    """North with a row of every kind."""

    tenant: Tenant
    parts: list[Part]
    n8n: str

    def __post_init__(self) -> None:
        self.rows = {"tenant": self.tenant.slug, **self._all("rows")}
        self.bodies, self.uploads, self.raw = (
            self._all(kind) for kind in ("bodies", "uploads", "raw")
        )
        self.inputs, self.aliases = self._all("inputs"), self._all("aliases")
        self.before = self.state()

    def _all(self, kind: str) -> dict[Any, Any]:
        return {key: value for part in self.parts for key, value in getattr(part, kind).items()}

    @property
    def secrets(self) -> set[str]:
        """What nobody else may ever see: the key of every row, and the texts that are named."""
        keys = {str(value) for value in self.rows.values() if isinstance(value, uuid.UUID)}
        return keys.union(*(part.secrets for part in self.parts))

    def path(self, address: Address) -> str:
        def fill(found: re.Match[str]) -> str:
            name = found["name"]
            key = self.aliases.get((address.route.partition("/")[0], name), name)
            if key not in self.rows:
                pytest.fail(f"tell the matrix what <{name}> is: {address}")
            return str(self.rows[key])

        return "/" + re.sub(r"<(?:\w+:)?(?P<name>\w+)>", fill, address.route)

    def body(self, address: Address) -> dict[str, Any]:
        for operation in all_operations():
            if address.route.endswith(operation.path):
                return self.input_of(operation)
        return self._filled(self.bodies.get(address.route, {}))

    def given(self, address: Address) -> str:
        return self.path(address) + json.dumps(self.body(address))

    def input_of(self, operation: Operation) -> dict[str, Any]:
        said = self._filled(self.inputs.get(operation.key, {}))
        for name, field in operation.input_model.model_fields.items():
            if name in said or not (field.is_required() or field.annotation is uuid.UUID):
                continue
            if name not in self.rows:
                pytest.fail(f"tell the matrix what {operation.key} is given as {name}")
            said[name] = str(self.rows[name])
        return said

    def _filled(self, body: dict[str, Any]) -> dict[str, Any]:
        """With the rows that it names in braces."""

        def fill(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: fill(inner) for name, inner in value.items()}
            if isinstance(value, str) and value[:1] == "{" and value[1:-1] in self.rows:
                return str(self.rows[value[1:-1]])
            return value

        return {name: fill(value) for name, value in body.items()}

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
def world(north: Tenant, n8n: FakeN8n) -> World:
    with inside(north):
        made = parts(n8n.url)
    return World(north, made, n8n.url)


def call(client: Client, method: str, address: Address, world: World) -> HttpResponse:
    path, body = world.path(address), world.body(address)
    if upload := world.uploads.get(address.route):
        file = SimpleUploadedFile(upload.filename, upload.content, upload.content_type)
        form = encode_multipart(BOUNDARY, {**body, upload.field: file})
        return client.generic(method, path, form, MULTIPART_CONTENT)
    if raw := world.raw.get(address.route):
        return client.generic(method, path, *raw)
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
            shown += response.getvalue().decode(errors="replace") + str(dict(response.headers))
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


def test_what_the_matrix_is_told_is_about_what_exists(world: World) -> None:
    told = set(world.bodies) | set(world.uploads) | set(world.raw)

    assert told - {address.route for address in ADDRESSES} == set()
    assert set(world.inputs) - {operation.key for operation in all_operations()} == set()


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
    operation: Operation, world: World, south: Tenant, machine: Callable[..., Client]
) -> None:
    body = world.input_of(operation)
    keys = {str(value) for value in world.rows.values() if isinstance(value, uuid.UUID)}
    names_a_row = any(value in keys for value in body.values())

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


def test_every_address_for_anybody_is_meant_to_be() -> None:
    assert {address.route for address in FOR_ANYBODY} == set(PUBLIC)
    assert {address.host for address in FOR_ANYBODY} == {"tenant"}


@pytest.mark.parametrize("address", FOR_ANYBODY, ids=str)
def test_an_address_for_anybody_shows_nothing_and_reaches_no_other_tenant(
    address: Address, world: World, south: Tenant, browser: Callable[..., Client]
) -> None:
    given = world.given(address)
    for somebody in (
        Client(headers={"host": south.host}),
        browser(south, role=Member.Role.MANAGER, name="sue"),
        Client(headers={"host": "localhost"}),
    ):
        assert_nothing_of(world, tried(address, world, somebody), given=given)

    here = tried(address, world, Client(headers={"host": world.tenant.host}))
    assert not {name for name in world.secrets if name in here.shown and name not in given}
    assert max(here.found) < 500
    assert here.has_changed == (address.route == "support/")


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
