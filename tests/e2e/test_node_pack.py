"""The node in a real n8n: it chooses, hands documents over, simplifies, and says what is wrong."""

import hashlib
import os
import secrets
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from controlplane.connections.models import Connection
from controlplane.connections.services import create_connection
from controlplane.core.actor import system
from controlplane.events.models import Delivery, Event, Source, Subscription
from controlplane.invoices.models import Invoice
from deploy.n8n_nodes.trying import Node, Side, handing_over, node, pergola
from tenants.context import inside
from tenants.models import ApiKey
from tests.conftest import ALL_SCOPES
from tests.e2e.flow import send

pytestmark = pytest.mark.e2e
BY = system("tests")


@pytest.fixture(scope="module")
def side(running: Any) -> Iterator[Side]:
    made = Side(running.environment)
    yield made
    made.close()


@pytest.fixture(scope="module")
def credential(running: Any, side: Side, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock():
        tenant = running.places["hafen"].tenant
        _key, text = ApiKey.issue(tenant=tenant, name="node pack", scopes=ALL_SCOPES)
    return side.credential(running.environment["PUBLIC_URL"], text)


@pytest.fixture(scope="module")
def shop(running: Any, django_db_blocker: Any) -> Any:
    """Kept for the next run, which finds it there."""
    name, values = "Quayside shop", {"url": "https://shop.example"}
    with django_db_blocker.unblock(), inside(running.places["hafen"].tenant):
        found = Connection.objects.filter(name=name).first()
        return found or create_connection(name=name, kind="rest", values=values, by=BY)


def ran(side: Side, nodes: list[Node], **body: Any) -> Any:
    """What comes of the nodes behind a Webhook that gets the body: every item of the last one."""
    path = f"pack-{secrets.token_hex(4)}"
    start = node(
        "Start", "n8n-nodes-base.webhook", 2.1,
        {
            "httpMethod": "POST", "path": path, "responseMode": "lastNode",
            "responseData": "allEntries",
        },
        webhookId=str(uuid.uuid4()),
    )  # fmt: skip
    made = side.activate(f"Pack {path}", [start, *nodes])
    try:
        answer = httpx.post(f"{side.url}/webhook/{path}", json=body, timeout=60, trust_env=False)
    finally:
        side.remove(made)
    assert answer.is_success, answer.text
    return answer.json()


def test_a_document_is_handed_over_as_it_is(running: Any, side: Side, credential: Any) -> None:
    path, content = f"pack-{secrets.token_hex(4)}", os.urandom(2_000_000)
    made = side.activate("Handing over", handing_over(path, credential))
    answer = httpx.post(
        f"{side.url}/webhook/{path}", content=content, timeout=60, trust_env=False,
        headers={"Content-Type": "application/pdf"},
    )  # fmt: skip
    side.remove(made)

    assert answer.is_success, answer.text
    with inside(running.places["hafen"].tenant):
        kept = Invoice.objects.get(pk=answer.json()["invoice_id"])
    assert kept.sha256 == hashlib.sha256(content).hexdigest()
    assert kept.content_type == "application/pdf"


@pytest.mark.parametrize("shape", ["list", "name", "text", "expression"])
def test_a_field_that_chooses_takes_what_it_took_before(
    side: Side, credential: Any, shop: Any, shape: str
) -> None:
    """A workflow from before has a plain text where there is a drop-down now."""
    chosen = {
        "list": {"__rl": True, "mode": "list", "value": str(shop.pk)},
        "name": {"__rl": True, "mode": "name", "value": "quayside shop"},
        "text": "Quayside shop",
        "expression": f"={{{{ '{shop.pk}' }}}}",
    }[shape]
    made = pergola("Check", "connection", "check", credential, connection=chosen)

    (item,) = ran(side, [made])

    assert item["connection_id"] == str(shop.pk)


@pytest.mark.parametrize(
    "expression",
    ["={{ $json.body.shop }}", "={{$json.body.shop}}", "={{ $json.body.shop.trim() }}"],
)
def test_an_expression_means_the_same_whoever_reads_it(
    side: Side, credential: Any, shop: Any, expression: str
) -> None:
    """The node reads a plain path itself, which spares n8n an isolate."""
    locator = {"__rl": True, "mode": "name", "value": expression}
    for chosen in (expression, locator):
        made = pergola("Check", "connection", "check", credential, connection=chosen)
        (item,) = ran(side, [made], shop="Quayside shop")
        assert item["connection_id"] == str(shop.pk)


@pytest.mark.parametrize("expression", ["={{ $json.body.nothing }}", "={{ $json.body.number }}"])
def test_a_path_to_no_text_is_read_by_n8n(side: Side, credential: Any, expression: str) -> None:
    asked = pergola("Get", "approval", "get", credential, approval_id=expression)

    (item,) = ran(side, [asked | {"onError": "continueRegularOutput"}], number=7)

    assert item["error"] == "The input is not valid"


def test_n8n_finds_the_credential_in_order(side: Side, credential: Any, running: Any) -> None:
    wrong = side.credential(running.environment["PUBLIC_URL"], "pgl_no_such_key")

    assert [side.tested(one) for one in (credential, wrong)] == ["OK", "Error"]


def test_a_list_comes_as_items_of_what_matters(side: Side, credential: Any, shop: Any) -> None:
    simple = pergola("List", "connection", "list", credential) | {"typeVersion": 1.1}
    whole = pergola("List", "connection", "list", credential, simplify=False)
    older = pergola("List", "connection", "list", credential)

    items = ran(side, [simple])

    assert [one["name"] for one in items] == ["Quayside shop"]
    assert set(items[0]) == {
        "connection_id", "name", "kind", "is_active", "status", "last_error",
    }  # fmt: skip
    for node_ in (whole | {"typeVersion": 1.1}, older):
        (answer,) = ran(side, [node_])
        assert answer["connections"][0]["address"] == "https://shop.example"


def test_all_of_a_long_list_are_returned_or_up_to_a_limit(
    running: Any, side: Side, credential: Any
) -> None:
    tenant, subject = running.places["hafen"].tenant, f"pages {secrets.token_hex(4)}"
    with inside(tenant):
        source = Source.objects.get(slug="shopify")
        Event.objects.bulk_create(
            Event(
                source=source, type="message.received", external_id=f"{subject} {number}",
                subject=subject, body="{}", body_sha256=f"{subject} {number}",
            )
            for number in range(401)
        )  # fmt: skip
    listed = {"additionalFields": {"subject": subject}}
    nodes = {
        401: {"returnAll": True, **listed},
        3: {"returnAll": False, "limit": 3, **listed},
        50: listed,
    }
    try:
        for count, parameters in nodes.items():
            made = pergola("List", "event", "list", credential, **parameters)
            items = ran(side, [made | {"typeVersion": 1.2}])
            assert len({item["event_id"] for item in items}) == count
        older = {"additionalFields": {"subject": subject, "limit": 2}}
        (answer,) = ran(side, [pergola("List", "event", "list", credential, **older)])
        assert len(answer["events"]) == 2
    finally:
        with inside(tenant):
            Event.objects.filter(subject=subject).delete()


def test_what_is_wrong_is_said_in_the_nodes_words(side: Side, credential: Any) -> None:
    asked = pergola("Get", "approval", "get", credential, approval_id="the first one")

    (item,) = ran(side, [asked | {"onError": "continueRegularOutput"}])

    assert item["error"] == "The input is not valid"
    assert "Approval ID: " in item["details"]


def test_an_item_without_its_file_is_named(side: Side, credential: Any) -> None:
    asked = pergola("Submit", "invoice", "submit", credential, binaryPropertyName="letter")

    (item,) = ran(side, [asked | {"onError": "continueRegularOutput"}])

    assert "letter" in item["error"] + item.get("details", "")


def test_a_trigger_starts_only_for_what_it_wants(
    running: Any, side: Side, credential: Any, eventually: Any
) -> None:
    place = running.places["hafen"]
    options = {"subject": "#nobody-orders-this-*", "sources": ["shopify"]}
    start = node(
        "Start", "n8n-nodes-pergola.pergolaTrigger", 1,
        {"events": ["order.created"], "options": options},
        credentials=credential, webhookId=str(uuid.uuid4()),
    )  # fmt: skip
    made = side.activate("Choosy", [start, node("Work", "n8n-nodes-base.noOp", 1, {})])
    sent = send(place)

    def settled() -> bool:
        with inside(place.tenant):
            listener = Subscription.objects.get(workflow_id=made)
            return Delivery.objects.filter(
                subscription=listener, event_id=sent.event_id, status=Delivery.Status.DELIVERED
            ).exists()

    eventually(settled, what="the delivery is settled")
    assert list(side.executions(made)) == []
    side.remove(made)


def test_a_person_picks_from_the_drop_down(
    editor: Page, side: Side, credential: Any, shop: Any
) -> None:
    made = side.make(
        "Picking",
        [
            node("Start", "n8n-nodes-base.manualTrigger", 1, {}),
            pergola("Check", "connection", "check", credential)
            | {"typeVersion": 1.1, "position": [220, 0]},
        ],
    )
    editor.goto(f"{side.url}/workflow/{made}")
    canvas_node = editor.locator("[data-test-id=canvas-node][data-node-name='Check']")
    expect(canvas_node).to_be_visible(timeout=30_000)
    canvas_node.dblclick()
    panel = editor.locator("[data-test-id=ndv]")
    expect(panel).to_contain_text("Connection")

    panel.locator("[data-test-id=rlc-input]").click()
    search = editor.locator("[data-test-id=rlc-search]:visible")
    search.fill("quay")
    editor.locator("[data-test-id=rlc-item]", has_text="Quayside shop").click()

    chosen = panel.get_by_role("textbox", name='Parameter: "connection"')
    expect(chosen).to_have_value("Quayside shop")
    editor.close()
    side.remove(made)
