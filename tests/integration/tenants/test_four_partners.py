"""Four partners on one tenant: all see the same health, only who owns it sees customer data.

Every page and every list of the API is walked, and searched for what the rows hold as payload.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection, models, transaction
from django.test import Client

from controlplane.core.actor import system
from controlplane.core.classification import Kind
from controlplane.core.withholding import HIDDEN, Redactable
from tenants import lookup
from tenants.context import inside
from tenants.doors import Door
from tenants.engagements import change_ownership, engage_partner
from tenants.models import Engagement, Member, Ownership, Partner, Tenant
from tests.factories.world import parts
from tests.fakes.n8n import running_fake_n8n
from tests.integration.isolation.doors import Address, behind
from tests.integration.isolation.world import World

Area = Ownership.Area
OWNS = {
    "design": {Area.PROCESS_DESIGN},
    "build": {Area.AUTOMATION},
    "host": {Area.INFRASTRUCTURE},
    "help": {Area.OPTIMISATION, Area.SUPPORT, Area.ESCALATION},
}
SHARED = ("tenants.ApiKey", "tenants.Invitation", "auth.User")
SEE_PAYLOAD = {"design", "help"}
# A word of ours, the key of a row, or a time, which a health field may have too.
REFERENCE = re.compile(r"[a-z_/]+|[0-9a-f-]{36}|\d{4}-\d\d-\d\d.*")
# Shows one's own rows, and everybody's to who may change the settings; or one's own partner's.
OWN_ROWS = {"approvals/delegations/", "rollouts/"}
BY_MEMBER = behind(Door.MEMBER, Door.KEY_OR_MEMBER, host="tenant")
# It looks into the sandbox, which is here a row without a schema.
ELSEWHERE = {"templates/<slug:slug>/rehearsal/"}
PAGES = [a for a in BY_MEMBER if not a.route.startswith("api/") and a.route not in ELSEWHERE]
# The audit trail is for those whose area it is: what it refuses others is in the matrix. The kinds
# of connections are the same for everybody, and rollouts and releases are shown to their own
# partner alone.
NO_LISTS = {"api/v1/audit", "api/v1/connections/kinds", "api/v1/releases", "api/v1/rollouts"}
LISTS = [
    a
    for a in BY_MEMBER
    if a.route.startswith("api/") and "<" not in a.route and a.route not in NO_LISTS
]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One for all of these tests; each undoes what it did, and the last all of it."""
    with django_db_blocker.unblock(), running_fake_n8n() as n8n:
        lookup.forget_tenants()
        with transaction.atomic():
            north = lookup.tenant_by_slug("north")
            with inside(north):
                made = parts(n8n.url)
            yield World(north, made, n8n)
            transaction.set_rollback(True)
        lookup.forget_tenants()
        connection.set_schema_to_public()


@pytest.fixture(autouse=True)
def _undone(world: World, people: dict[str, Client]) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    connection.set_schema_to_public()


@pytest.fixture(scope="module")
def people(world: World) -> dict[str, Client]:
    """A manager of each of the four partners; the first leads."""
    by, north = system("tests"), world.tenant
    lead = Engagement.objects.select_related("partner").get(tenant=north, is_lead=True)
    change_ownership(tenant=north, owners=dict.fromkeys(Area.values), by=by)
    change_ownership(tenant=north, owners=dict.fromkeys(OWNS["design"], lead), by=by)
    partners = {"design": lead.partner}
    for name in list(OWNS)[1:]:
        partners[name] = Partner.objects.create(slug=name, name=f"Partner {name.title()}")
        engage_partner(partner=partners[name], tenant=north, owns=OWNS[name], by=by)
    return {name: manager(partner, north) for name, partner in partners.items()}


def manager(partner: Partner, tenant: Tenant) -> Client:
    user = User.objects.create_user(f"of-{partner.slug}", f"of@{partner.slug}.example", "pw")
    Member.objects.create(user=user, partner=partner, role=Member.Role.MANAGER)
    client = Client(headers={"host": tenant.host})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def texts(kinds: set[Kind]) -> Iterator[str]:
    """What the rows of the tenant that is entered hold in fields of these kinds."""
    for model in apps.get_models():
        if not issubclass(model, Redactable) or not hasattr(model, "classified"):
            continue
        for row in model.objects.all():
            for field in model._meta.concrete_fields:
                if model.classified.kinds.get(field.name, Kind.HEALTH) not in kinds:
                    continue
                value = field.value_from_object(row)
                if isinstance(field, models.CharField | models.TextField):
                    yield value
                elif isinstance(field, models.DecimalField) and value:
                    yield f"{value.normalize():f}"
                elif isinstance(field, models.JSONField):
                    yield from _leaves(value)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module")
def planted(world: World) -> set[str]:
    """Customer data that can be told from the words of a page, and that no health field repeats."""
    # What the trail repeats of rows that are no customer's: keys, people, invitations.
    shared = "\n".join(str(row) for name in SHARED for row in apps.get_model(name).objects.values())
    with inside(world.tenant):
        payload, health = set(texts({Kind.PAYLOAD})), "\n".join([*texts({Kind.HEALTH}), shared])
    telling = {text for text in payload if len(text) > 7 and not REFERENCE.fullmatch(text)}
    found = {text for text in telling if text not in health}
    assert {"kaja@example.com", "lea@customer.example"} <= found
    assert len(found) > 60
    return found


@dataclass(frozen=True)
class Shown:
    status: int
    text: str


@pytest.fixture(scope="module")
def walked(world: World, people: dict[str, Client]) -> dict[Address, dict[str, Shown]]:
    """Every page, as each of them sees it."""

    def shown(client: Client, address: Address) -> Shown:
        with transaction.atomic():
            response = world.call(client, "GET", address)
            text = response.getvalue().decode(errors="replace")
            transaction.set_rollback(True)
        assert response.status_code < 500, f"{address}: {response.status_code}"
        return Shown(response.status_code, text)

    return {
        address: {name: shown(client, address) for name, client in people.items()}
        for address in PAGES
    }


def test_pages_show_customer_data_to_its_owners_alone(
    world: World, walked: dict[Address, dict[str, Shown]], planted: set[str]
) -> None:
    leaks: dict[str, set[str]] = {}
    seen: dict[str, set[str]] = {name: set() for name in OWNS}
    for address, pages in walked.items():
        given = world.given(address)
        for name, page in pages.items():
            told = {text for text in planted if text in page.text and text not in given}
            seen[name] |= told
            if told and name not in SEE_PAYLOAD:
                leaks[f"{name} at {address.route}"] = told

    assert leaks == {}
    for name in SEE_PAYLOAD:
        assert len(seen[name]) > 15, "the walk would not have seen a leak"


def test_pages_show_the_same_health_to_all(walked: dict[Address, dict[str, Shown]]) -> None:
    """The states of all rows of each list, in their order."""
    compared = 0
    for address, pages in walked.items():
        if "<" in address.route or address.route in OWN_ROWS:
            continue
        states = {
            name: re.findall(r'<span class="pill pill-(\w+)', page.text)
            for name, page in pages.items()
            if page.status == 200
        }
        if len(states) == len(pages):
            compared += bool(states["design"])
            assert len({tuple(found) for found in states.values()}) == 1, address.route
    assert compared > 6


@pytest.mark.parametrize("address", LISTS, ids=str)
def test_lists_of_the_api(
    address: Address, world: World, people: dict[str, Client], planted: set[str]
) -> None:
    bodies = {
        name: world.call(client, "GET", address).json()["results"]
        for name, client in people.items()
    }

    assert all(len(rows) == len(bodies["design"]) for rows in bodies.values())
    assert bodies["design"] == bodies["help"]
    assert bodies["build"] == bodies["host"]
    for full, redacted in zip(bodies["design"], bodies["build"], strict=True):
        assert full.keys() == redacted.keys()
        changed = {key for key in full if full[key] != redacted[key]}
        assert not changed & {"id", "status", "created_at", "requested_at"}
    assert not {text for text in planted if text in str(bodies["build"])}


@pytest.mark.parametrize(
    "route",
    [
        "orders/<uuid:order_id>/",
        "invoices/<uuid:invoice_id>/",
        "invoices/<uuid:invoice_id>/document/",
        "tickets/<uuid:ticket_id>/",
        "knowledge/documents/<uuid:document_id>/",
    ],
)
def test_a_page_that_is_all_payload_says_whom_to_ask(
    route: str, world: World, people: dict[str, Client]
) -> None:
    address = next(each for each in PAGES if each.route == route)

    refused = world.call(people["host"], "GET", address)

    assert refused.status_code == 403
    page = refused.content.decode()
    assert "North, " in page
    assert "Partner Help" in page
    assert "Partner Build" not in page
    answer = world.call(people["help"], "GET", address)
    assert (answer.status_code, bool(answer.getvalue())) == (200, True)


def test_nothing_is_looked_for_in_what_is_hidden(world: World, people: dict[str, Client]) -> None:
    def page(name: str, query: str) -> str:
        return people[name].get(f"/orders/?{query}").content.decode()

    assert "#1001" in page("help", "q=kaja")
    assert "#1001" not in page("host", "q=kaja")
    assert "#1001" in page("host", "q=1001&sort=total")


def test_what_is_hidden_is_marked_and_explained(people: dict[str, Client]) -> None:
    page = people["build"].get("/orders/").content.decode()

    assert HIDDEN in page
    assert 'data-testid="withheld"' in page
    assert 'data-testid="withheld"' not in people["help"].get("/orders/").content.decode()


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("/sources/new/", {"build", "host"}),
        ("/knowledge/documents/new/", {"design"}),
        ("/invoices/upload/", {"help"}),
        ("/tickets/new/", {"help"}),
    ],
)
def test_each_does_what_its_areas_open(
    address: str, may: set[str], people: dict[str, Client]
) -> None:
    allowed = {name for name, client in people.items() if client.get(address).status_code == 200}

    assert allowed == may | ({"help"} if "knowledge" in address else set())


def test_an_approval_is_decided_by_the_escalation_owner(
    world: World, people: dict[str, Client]
) -> None:
    path = f"/api/v1/approvals/{world.rows['approval_id']}/decision"
    answers = {
        name: people[name].post(path, {"decision": "approve"}, "application/json").status_code
        for name in ("design", "build", "host", "help")
    }

    assert answers == {"design": 403, "build": 403, "host": 403, "help": 200}


def test_what_was_withheld_is_not_saved_over(world: World, people: dict[str, Client]) -> None:
    """Who changes a row without seeing its payload leaves the payload as it is."""
    from controlplane.core.withholding import PayloadWithheld, withholding_payload
    from controlplane.orders.models import Order

    with inside(world.tenant):
        before = Order.objects.get(pk=world.rows["order_id"])
        with withholding_payload():
            order = Order.objects.get(pk=before.pk)
            assert (order.buyer_email, order.total, order.tags) == (HIDDEN, None, [])
            order.financial_status = "voided"
            order.save()
            deferred = Order.objects.only("pk").get(pk=before.pk)
            assert deferred.buyer_email == HIDDEN
            with pytest.raises(PayloadWithheld):
                order.save(update_fields=["buyer_email"])
            order.note = "written anew"
            order.save(update_fields=["note"])
        after = Order.objects.get(pk=before.pk)

    assert (after.buyer_email, after.total) == (before.buyer_email, before.total)
    assert (after.financial_status, after.note) == ("voided", "written anew")


def test_permissions_of_two_engagements_add_up(world: World, people: dict[str, Client]) -> None:
    user = User.objects.get(username="of-build")
    assert people["build"].get("/tickets/new/").status_code == 403

    Member.objects.create(
        user=user, partner=Partner.objects.get(slug="help"), role=Member.Role.APPROVER
    )

    assert people["build"].get("/tickets/new/").status_code == 200
    assert people["build"].get("/sources/new/").status_code == 200
    assert people["build"].get("/invoices/upload/").status_code == 403, "an approver submits none"
