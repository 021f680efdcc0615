"""The gallery in n8n's editor: in the forms that it expects, and never a partner's own."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from controlplane.api.gallery import ICON
from controlplane.catalog import importing, releases
from controlplane.catalog.gallery import number_of
from controlplane.catalog.loader import load_all
from controlplane.catalog.models import Release
from tenants.models import Tenant
from tests.factories.events import ADA
from tests.integration.catalog.test_releases import export

ROOT = Path(settings.BASE_DIR) / "workflow-templates"
GALLERY = "/api/gallery"


@pytest.fixture(autouse=True)
def _loaded(north: Tenant) -> None:
    load_all(ROOT)


@pytest.fixture
def client() -> Client:
    return Client(headers={"host": "localhost"})


@pytest.fixture
def ask(client: Client) -> Any:
    def ask(path: str, status: int = 200, **query: str) -> Any:
        response = client.get(f"{GALLERY}{path}", query, headers={"origin": "https://n8n.example"})
        assert response.status_code == status, response.content
        # The editor asks with cookies, so a browser takes no “*”.
        assert response["Access-Control-Allow-Origin"] == "https://n8n.example"
        assert response["Access-Control-Allow-Credentials"] == "true"
        return response.json()

    return ask


def slugs() -> list[str]:
    return sorted(path.parent.name for path in ROOT.glob("*/template.yaml"))


def test_the_editor_sees_whether_it_is_there_and_its_browser_may_ask(
    ask: Any, client: Client
) -> None:
    assert ask("/health") == {"status": "OK"}

    asked = client.options(
        f"{GALLERY}/templates/search",
        headers={"origin": "https://n8n.example", "access-control-request-headers": "n8n-version"},
    )
    assert asked.status_code == 204
    assert "n8n-version" in asked["Access-Control-Allow-Headers"]
    assert client.post(f"{GALLERY}/templates/search").status_code == 405


def test_every_template_of_the_platform_is_found_page_by_page(ask: Any) -> None:
    first = ask("/templates/search", page="1", limit="4", search="", category="")
    pages = [
        ask("/templates/search", page=str(page), limit="4")["workflows"]
        for page in range(1, first["totalWorkflows"] // 4 + 2)
    ]

    found = [one for page in pages for one in page]
    assert first["totalWorkflows"] == len(found) >= len(slugs())
    assert {number_of(slug) for slug in slugs()} <= {one["id"] for one in found}
    assert len({one["id"] for one in found}) == len(found)
    assert ask("/templates/search", page="999")["workflows"] == []


def test_a_card_is_as_the_editor_reads_it(ask: Any) -> None:
    found = ask("/templates/search", search="invoice DISPUTES", limit="20")

    (card,) = found["workflows"]
    assert (found["totalWorkflows"], found["filters"]) == (1, [])
    assert card["name"] == "Route invoice disputes"
    assert isinstance(card["id"], int)
    assert {"id", "createdAt", "name", "nodes", "totalViews", "user"} <= set(card)
    assert card["user"]["username"]
    kinds = {node["name"] for node in card["nodes"]}
    assert "n8n-nodes-pergola.pergola" in kinds
    assert all({"id", "displayName", "defaults", "icon"} <= set(node) for node in card["nodes"])


def test_the_icon_is_the_node_packs() -> None:
    drawn = (Path(settings.BASE_DIR) / "n8n-nodes/icons/pergola.svg").read_text()

    assert "".join(line.strip() for line in drawn.splitlines()) == ICON


def test_categories_narrow_the_search(ask: Any) -> None:
    named = {one["name"] for one in ask("/templates/categories")["categories"]}
    assert {"Invoices", "Orders", "Support"} <= named

    found = ask("/templates/search", category="Invoices,Support")["workflows"]

    assert {"Check supplier invoices", "Answer support tickets"} <= {one["name"] for one in found}
    assert "Review Shopify orders" not in {one["name"] for one in found}
    assert ask("/templates/collections", category="", search="") == {"collections": []}


def test_one_can_be_looked_at_and_imported(ask: Any) -> None:
    number = number_of("review-shopify-order")

    page = ask(f"/templates/workflows/{number}")["workflow"]
    taken = [ask(f"/workflows/templates/{number}") for _time in range(2)]

    assert "## Parameters" in page["description"]
    assert page["workflowInfo"]["nodeCount"] == len(page["workflow"]["nodes"])
    assert page["categories"][0]["name"] == "Orders"
    assert {one["id"] for one in taken} == {number}
    assert set(taken[0]["workflow"]) == {"nodes", "connections", "settings"}
    paths = {
        node["parameters"]["path"]
        for one in taken
        for node in one["workflow"]["nodes"]
        if node["type"] == "n8n-nodes-base.webhook"
    }
    # Two may stand in one n8n, where the paths of Webhooks are global.
    assert len(paths) == 2


def test_what_is_not_there_is_said_so(ask: Any) -> None:
    assert ask("/templates/workflows/1", 404)["code"] == "template_unknown"
    assert ask("/workflows/templates/1", 404)["code"] == "template_unknown"


@pytest.mark.parametrize(
    "query", [{"page": "x"}, {"page": "-1"}, {"limit": "0"}, {"limit": "9" * 9}]
)
def test_a_number_that_is_none_is_answered_all_the_same(ask: Any, query: dict[str, str]) -> None:
    assert ask("/templates/search", **query)["totalWorkflows"] >= len(slugs())


def test_a_partners_own_is_never_there(ask: Any, north: Tenant) -> None:
    (draft,) = importing.import_workflows(source=export(), owner=north.lead_partner, by=ADA)
    Release.objects.filter(pk=draft.pk).update(status=Release.Status.LIVE)
    slug = draft.template.slug

    found = ask("/templates/search", limit="100")["workflows"]

    assert draft.template.title not in {one["name"] for one in found}
    ask(f"/templates/workflows/{number_of(slug)}", 404)
    ask(f"/workflows/templates/{number_of(slug)}", 404)


def test_a_release_that_is_offered_no_longer_is_gone(ask: Any) -> None:
    release = Release.objects.get(template__slug="report-workflow-errors")

    releases.deprecate(release_id=release.pk, note="Replaced", by=ADA)

    ask(f"/templates/workflows/{number_of('report-workflow-errors')}", 404)
