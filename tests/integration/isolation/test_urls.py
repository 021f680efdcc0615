"""Every address × every method × everybody who must not get in, from the URLs themselves.

Each address first answers its own tenant: a call that is refused for another reason would prove
nothing, so a new address fails here until the matrix knows how its own people call it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from controlplane.nodes.registry import all_operations
from tenants import lookup
from tenants.context import inside
from tenants.doors import Door
from tenants.models import Tenant
from tests.factories.events import order_body, webhook_headers
from tests.integration.isolation.callers import Caller, Callers, client_on
from tests.integration.isolation.cells import Cells
from tests.integration.isolation.doors import (
    ADDRESSES,
    METHODS,
    NEEDS_NO_SCOPE,
    OF_THE_CUSTOMER,
    PUBLIC,
    SHARED,
    TAKES_IN,
    Address,
    behind,
)
from tests.integration.isolation.world import World

PLATFORM = "localhost"
JSON = "application/json"
FOR_PEOPLE = behind(Door.MEMBER, Door.KEY_OR_MEMBER, host="tenant")
FOR_KEYS = behind(Door.KEY)
# A row that is not there is not there; taking away what is away is answered alike, whoever's it is.
GONE = {204, 302, 303, 403, 404, 405}


@dataclass(frozen=True)
class Answer:
    status: int
    shown: str


def answers(
    world: World, client: Client, address: Address, methods: Iterable[str] = METHODS
) -> dict[str, Answer]:
    """In a savepoint: an aborted transaction must not answer for the next caller."""
    with transaction.atomic():
        return {method: _answer(world.call(client, method, address)) for method in methods}


def _answer(response: HttpResponse) -> Answer:
    # A file is read to its end, which closes it.
    shown = response.getvalue().decode(errors="replace") + str(dict(response.headers))
    return Answer(response.status_code, shown)


def judge(
    cells: Cells,
    world: World,
    address: Address,
    caller: str,
    found: dict[str, Answer],
    may: Callable[[int], bool],
) -> None:
    """One cell for each method."""
    given = world.given(address)
    for method, answer in found.items():
        wrong = world.told_in(answer.shown, given=given)
        if not may(answer.status):
            wrong.append(f"it answers {answer.status}")
        cells.refused(f"{method} {address} by {caller}", *wrong)


def untouched(cells: Cells, world: World, address: Address, who: str) -> None:
    wrong = ["something of the tenant changed"] if world.has_changed else []
    cells.refused(f"{address} by {who}", *wrong)


def refusal(address: Address, caller: Caller, *, own_host: bool) -> Callable[[int], bool]:
    """Which answers are a refusal, by the door's own rule."""
    if address.door is Door.SHARED:
        return lambda status: status < 500
    if address.door is Door.HOST:
        return lambda status: status < 500
    if address.door is Door.PATH:
        return lambda status: status in {401, 405}
    if not own_host and caller.way == "key" and address.door is not Door.MEMBER:
        # Inside the caller's own tenant: its lists are its own, and another's rows are not there.
        return lambda status: status in GONE if address.names_a_row else status < 500
    if address.door is Door.MEMBER:
        by_session = caller.way == "session"
        return lambda status: status == (403 if by_session else 302)
    if address.door is Door.KEY_OR_MEMBER and own_host and caller.way == "session":
        return lambda status: status == 403
    return lambda status: status == 401


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_an_address_refuses_everybody_else(
    address: Address, world: World, callers: Callers
) -> None:
    cells = Cells("urls")
    own_host = address.host == "tenant"
    host = world.tenant.host if own_host else PLATFORM
    takes_in = own_host and address.route in TAKES_IN
    with transaction.atomic():
        for caller in callers.foreign:
            if address.door is Door.SHARED and not caller.leads:
                continue
            found = answers(world, caller.client(host), address, caller.methods)
            may = refusal(address, caller, own_host=own_host)
            judge(cells, world, address, caller.name, found, may)
        if not takes_in:
            untouched(cells, world, address, "somebody foreign")
        transaction.set_rollback(True)
    cells.assert_no_leak()


@pytest.mark.parametrize("address", [a for a in ADDRESSES if a.host == "tenant"], ids=str)
def test_at_home_nobody_reaches_a_row_of_another(
    address: Address, world: World, callers: Callers
) -> None:
    """Each on the host where it belongs, with the ids of the other tenant."""
    cells = Cells("urls")
    # A member of the customer is one of its sandbox too, and finds no row of production there.
    homes = [(caller, caller.home) for caller in callers.foreign if caller.home and caller.leads]
    if not address.route.startswith(OF_THE_CUSTOMER):
        homes.append((callers.manager, callers.sandbox.host))
    with transaction.atomic():
        for caller, host in homes:
            found = answers(world, caller.client(host), address)

            def may(status: int) -> bool:
                refuses = GONE | {401, 400}
                entered = address.door not in {Door.SHARED, Door.HOST}
                return status in refuses if address.names_a_row and entered else status < 500

            judge(cells, world, address, f"{caller.name} on {host}", found, may)
        untouched(cells, world, address, "somebody at home")
        transaction.set_rollback(True)
    cells.assert_no_leak()


@pytest.mark.parametrize(
    "address", behind(Door.KEY, Door.KEY_OR_MEMBER, Door.MEMBER, Door.HOST, Door.PATH), ids=str
)
def test_a_suspended_tenant_answers_nobody(
    address: Address, world: World, callers: Callers
) -> None:
    cells = Cells("urls")
    host = world.tenant.host if address.host == "tenant" else PLATFORM
    with transaction.atomic():
        Tenant.objects.filter(pk=world.tenant.pk).update(status=Tenant.Status.SUSPENDED)
        lookup.forget_tenants()
        for caller in (callers.manager, callers.machine):
            found = answers(world, caller.client(host), address)
            judge(
                cells,
                world,
                address,
                f"own {caller.way}",
                found,
                lambda status: status in {401, 404},
            )
        transaction.set_rollback(True)
    lookup.forget_tenants()
    cells.assert_no_leak()


@pytest.mark.parametrize("address", FOR_PEOPLE, ids=str)
def test_another_tenants_page_cannot_use_a_members_session(
    address: Address, world: World, callers: Callers
) -> None:
    """Hosts under one domain are one site to a browser: cookies come along, the origin tells."""
    cells = Cells("urls")
    led = callers.manager.client(world.tenant.host, checks_csrf=True)
    token = "t" * 32
    led.cookies["pergola_csrf"] = token
    led.defaults |= {
        "HTTP_ORIGIN": f"http://{callers.neighbour.host}", "HTTP_X_CSRFTOKEN": token,
    }  # fmt: skip
    with transaction.atomic():
        found = answers(world, led, address, methods=METHODS[1:])
        judge(cells, world, address, "a page of another", found, lambda status: status == 403)
        untouched(cells, world, address, "a page of another")
        transaction.set_rollback(True)
    cells.assert_no_leak()


@pytest.mark.parametrize("address", FOR_KEYS, ids=str)
def test_an_own_key_does_what_its_scopes_say(
    address: Address, world: World, callers: Callers
) -> None:
    cells = Cells("urls")
    host = world.tenant.host if address.host == "tenant" else PLATFORM
    with transaction.atomic():
        found = answers(world, callers.scopeless.client(host), address)
        for method, answer in found.items():
            needs_none = address.route in NEEDS_NO_SCOPE
            refused = {200, 405} if needs_none else {403, 405}
            wrong = [] if answer.status in refused else [f"it answers {answer.status}"]
            cells.refused(f"{method} {address} without a scope", *wrong)
        untouched(cells, world, address, "a key without scopes")
        transaction.set_rollback(True)
    cells.assert_no_leak()

    assert_callable(world, address, callers.machine.client(host))


@pytest.mark.parametrize("address", FOR_PEOPLE, ids=str)
def test_an_address_answers_its_own_people(
    address: Address, world: World, callers: Callers
) -> None:
    with transaction.atomic():
        seen = answers(world, callers.viewer.client(world.tenant.host), address)
        assert not world.has_changed, f"a viewer changed something: {statuses(seen)}"
        transaction.set_rollback(True)

    assert_callable(world, address, callers.whose(address.route).client(world.tenant.host))


def assert_callable(world: World, address: Address, client: Client) -> None:
    """Each method with the tenant as it was."""
    found = {}
    for method in METHODS:
        with transaction.atomic():
            found |= answers(world, client, address, [method])
            transaction.set_rollback(True)
    said = statuses(found)
    if min(said.values()) >= 400:
        pytest.fail(
            f"tell the matrix how to call {address}: its own tenant gets {said}. A module of "
            "tests/factories/world says it in `bodies`, `uploads`, `raw` or `inputs`"
        )
    assert max(said.values()) < 500


def statuses(found: dict[str, Answer]) -> dict[str, int]:
    return {method: answer.status for method, answer in found.items()}


@pytest.mark.parametrize("address", behind(Door.HOST, host="tenant"), ids=str)
def test_an_address_for_anybody_shows_nothing(address: Address, world: World) -> None:
    with inside(world.tenant):
        cache.clear()  # the form counts who writes, and the cells before wrote often
    with transaction.atomic():
        found = answers(world, client_on(world.tenant.host), address)
        changed = world.has_changed
        transaction.set_rollback(True)

    assert max(statuses(found).values()) < 500
    assert changed == (address.route in TAKES_IN)


def test_a_source_is_found_only_under_its_own_tenant(world: World) -> None:
    body, cells = order_body(), Cells("urls")
    for slug in ("south", "yard", "nobody", "public"):
        answer = client_on(PLATFORM).post(
            f"/in/{slug}/north-only", body, JSON, headers=webhook_headers(body)
        )
        wrong = [] if answer.status_code == 404 else [f"it answers {answer.status_code}"]
        cells.refused(f"POST /in/{slug}/north-only, signed", *wrong)
    cells.assert_no_leak()

    own = client_on(PLATFORM).post(
        "/in/north/north-only", body, JSON, headers=webhook_headers(body)
    )
    assert [a.route for a in behind(Door.PATH)] == ["in/<slug:tenant>/<slug:source>"]
    assert own.status_code == 202


def test_every_address_that_enters_no_tenant_is_meant_to() -> None:
    shared = {address.route for address in behind(Door.SHARED)}

    assert shared - set(SHARED) == set(), (
        "give these a door (@enters), or say in tests/factories/shared_addresses.py why not"
    )
    assert set(SHARED) - shared == set(), "these are in the list and gone: take them out"


def test_every_address_for_anybody_is_meant_to_be() -> None:
    assert {address.route for address in behind(Door.HOST)} == set(PUBLIC)
    assert {address.host for address in behind(Door.HOST)} == {"tenant"}
    assert set(PUBLIC) >= TAKES_IN
    assert set(NEEDS_NO_SCOPE) <= {address.route for address in FOR_KEYS}


def test_every_door_is_tried() -> None:
    assert {address.door for address in ADDRESSES} == set(Door)


def test_what_the_matrix_is_told_is_about_what_exists(world: World) -> None:
    told = set(world.bodies) | set(world.uploads) | set(world.raw)

    assert told - {address.route for address in ADDRESSES} == set()
    assert set(world.inputs) - {operation.key for operation in all_operations()} == set()
