"""What a partner's people do from day to day, in Chromium and against the real n8n.

Each journey makes its own template, and takes away what it put into n8n.
"""

import json
import re
import secrets
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from controlplane.catalog.deploy import deploy
from controlplane.catalog.loader import read_folder
from controlplane.catalog.models import Installation, Release, Rollout, Template
from controlplane.catalog.services import install, uninstall
from controlplane.catalog.shaping import write_draft
from controlplane.connections.models import Connection
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.reading import read_one
from deploy.demo.story import MANAGER
from deploy.demo.world import BY, Place
from tenants.context import inside
from tenants.models import Tenant
from tenants.provisioning.steps import unfinished_steps
from tests.e2e.conftest import Visit
from tests.fakes.outside import FakeOutside, running_outside, told
from tests.integration.instances.test_upgrading_in_n8n import flow, later_flow, release

pytestmark = pytest.mark.e2e

MARA = MANAGER[1]
Installed = dict[str, Installation]


@pytest.fixture
def template(running: Any) -> Iterator[Template]:
    """The partner's own, in two releases; nobody is offered them afterwards."""
    mark = secrets.token_hex(3)
    made = Template.objects.create(
        slug=f"run-yearly-{mark}", title=f"Yearly {mark}", summary="Once a year.",
        owner=running.places["hafen"].tenant.lead_partner,
    )  # fmt: skip
    for version, workflow in (("1.0.0", flow()), ("2.0.0", later_flow())):
        release(made, version, workflow)
    yield made
    made.releases.update(status=Release.Status.DEPRECATED)


@pytest.fixture
def installed(running: Any, template: Template) -> Iterator[Installed]:
    """Release 1, in both tenants' n8n, by the tenant's slug."""
    first = template.releases.get(version="1.0.0")
    found = {}
    for slug, place in running.places.items():
        with inside(place.tenant):
            found[slug] = deploy(install(release_id=first.pk, parameters={}, by=BY).pk)
            found[slug].refresh_from_db()
    yield found
    for slug, place in running.places.items():
        with inside(place.tenant):
            uninstall(installation_id=found[slug].pk, by=BY)


@pytest.fixture
def shop() -> Iterator[FakeOutside]:
    with running_outside() as fake:
        yield fake


def in_n8n(place: Place, installation: Installation) -> dict[str, Any]:
    with inside(place.tenant), client_for(Workspace.current()) as n8n:
        found: dict[str, Any] = n8n.get_workflow(installation.workflow_id).raw
    return found


def hash_in(place: Place, installation: Installation) -> str:
    return workflow_hash(read_one(in_n8n(place, installation)).workflow)


def edit(place: Place, installation: Installation, region: str) -> None:
    found = deepcopy(in_n8n(place, installation))
    terms = next(node for node in found["nodes"] if node["name"] == "Terms")
    terms["parameters"]["assignments"]["assignments"][0]["value"] = region
    with inside(place.tenant), client_for(Workspace.current()) as n8n:
        n8n.update_workflow(installation.workflow_id, found)


def test_a_release_is_rolled_out_followed_and_taken_back(
    running: Any, visit: Visit, template: Template, installed: Installed
) -> None:
    before = {slug: hash_in(running.places[slug], one) for slug, one in installed.items()}
    page = visit(running.places["hafen"], MARA)
    page.goto("/rollouts/")
    page.get_by_role("link", name="Roll out a release").first.click()
    page.get_by_label("Release", exact=True).select_option(label=f"{template.title} 2.0.0")
    page.get_by_label("Rings").fill("50, 20")
    page.get_by_test_id("begin").click()
    expect(page.locator("main")).to_contain_text("percentages that rise to 100")
    page.get_by_label("Rings").fill("50, 100")
    page.get_by_label("Minutes to watch each ring").fill("0")
    page.get_by_label("Runs that a ring has to show").fill("0")
    page.get_by_label("Why", exact=True).fill("It tells people.")
    page.get_by_test_id("begin").click()

    state = page.get_by_test_id("rollout")
    expect(state).to_have_attribute("data-status", "done", timeout=40_000)
    expect(state).to_contain_text("Ring 2, up to 100%")
    rows = page.locator("#places tbody tr")
    expect(rows).to_have_count(2)
    for row in rows.all():
        expect(row).to_contain_text("Upgraded")
    assert all(
        hash_in(running.places[slug], one) != before[slug] for slug, one in installed.items()
    )

    page.get_by_label("Why", exact=True).fill("It tells the wrong people.")
    page.get_by_role("button", name="Take it back everywhere").click()
    expect(state).to_have_attribute("data-status", "returned", timeout=40_000)
    expect(state).to_contain_text("It tells the wrong people.")
    expect(rows.first).to_contain_text("Taken back")
    expect(page.get_by_role("button", name="Take it back everywhere")).to_have_count(0)
    assert {slug: hash_in(running.places[slug], one) for slug, one in installed.items()} == before
    assert Rollout.objects.get(template=template).asked_by == MANAGER[0]


def test_an_upgrade_with_a_conflict_keeps_what_was_edited(
    running: Any, visit: Visit, template: Template, installed: Installed
) -> None:
    place, installation = running.places["hafen"], installed["hafen"]
    edit(place, installation, "south")
    page = visit(place, MARA)
    page.goto(f"/installations/{installation.pk}/upgrade/")
    question = page.get_by_test_id("question")
    expect(question).to_have_count(1)
    expect(question).to_contain_text("south")
    expect(question).to_contain_text("west")
    page.get_by_test_id("upgrade").click()
    expect(page.get_by_test_id("upgrade-state")).to_have_count(0)

    question.get_by_label(re.compile("Keep mine")).check()
    page.get_by_test_id("upgrade").click()
    done = page.get_by_test_id("upgrade-state")
    expect(done).to_have_attribute("data-status", "done", timeout=30_000)

    nodes = {node["name"]: node for node in in_n8n(place, installation)["nodes"]}
    assert "Tell" in nodes
    region = nodes["Terms"]["parameters"]["assignments"]["assignments"][0]
    assert region["value"] == "south"


def test_an_exported_workflow_becomes_a_draft_with_parameters(running: Any, visit: Visit) -> None:
    name = f"Morning list {secrets.token_hex(3)}"
    nodes = [
        {"id": "s", "name": "Each morning", "type": "n8n-nodes-base.scheduleTrigger",
         "typeVersion": 1.2, "position": [0, 0],
         "parameters": {"rule": {"interval": [{"triggerAtHour": 8}]}}},
        {"id": "g", "name": "Get orders", "type": "n8n-nodes-base.httpRequest",
         "typeVersion": 4.2, "position": [220, 0],
         "parameters": {"url": "https://shop.example/orders"},
         "credentials": {"httpHeaderAuth": {"id": "5", "name": "Mine"}}},
    ]  # fmt: skip
    leads = {"Each morning": {"main": [[{"node": "Get orders", "type": "main", "index": 0}]]}}
    exported = {"name": name, "nodes": nodes, "connections": leads, "settings": {}}
    page = visit(running.places["hafen"], MARA)
    page.goto("/templates/own/")
    page.get_by_role("link", name="Import a workflow").first.click()
    file = {"name": "export.json", "mimeType": "application/json", "buffer": b"{"}
    page.get_by_label("Exported file").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    expect(page.locator(".errors, .error, [role=alert]").first).to_be_visible()

    content = json.dumps(exported).encode()
    page.get_by_label("Exported file").set_input_files({**file, "buffer": content})
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{name} 1.0.0")
    expect(page.locator("main svg text", has_text="Get orders").first).to_be_visible()
    expect(page.locator("main")).to_contain_text("HTTP Header Auth")
    proposal = page.get_by_role("row").filter(has_text="https://shop.example/orders")
    proposal.get_by_role("checkbox").check()
    proposal.get_by_role("textbox").fill("Address of the shop")
    page.get_by_role("button", name="Make parameters of these").click()

    expect(page.locator("#needs + *, aside").first).to_contain_text("Address of the shop")
    draft = Release.objects.get(template__title=name)
    assert (draft.status, [spec.type for spec in draft.terms.parameters]) == ("draft", ["text"])
    page.locator("[name=note]").fill("Made to be tried")
    page.get_by_role("button", name="Discard the draft").click()
    expect(page).to_have_url(re.compile("/templates/own/$"))


def test_a_draft_is_tried_in_a_sandbox_released_and_cloned(
    running: Any, visit: Visit, eventually: Any
) -> None:
    place = running.places["hafen"]
    page = visit(place, MARA)
    page.goto("/sandbox/")
    page.get_by_role("button", name="Create the sandbox").click()
    sandbox = eventually(lambda: _made_sandbox(place.tenant), within=180)
    folder = read_folder(settings.BASE_DIR / "workflow-templates" / "review-shopify-order")
    name = f"Look at orders {secrets.token_hex(3)}"
    content = json.dumps({**folder.workflow, "name": name}).encode()
    page.goto("/templates/own/import/")
    file = {"name": "export.json", "mimeType": "application/json", "buffer": content}
    page.get_by_label("Exported file").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{name} 1.0.0")
    draft = Release.objects.get(template__title=name)
    write_draft(
        release_id=draft.pk,
        parameters=[spec.model_dump(mode="json") for spec in folder.manifest.parameters],
        cases=dict(list(folder.stored_cases.items())[:2]),
        by=BY,
    )
    page.reload()

    page.get_by_label("Sandbox").select_option(label=str(sandbox))
    page.get_by_test_id("try").click()
    expect(page.get_by_test_id("trial")).to_contain_text("2 passed, 0 failed", timeout=180_000)
    page.locator("[name=note]").fill("Both cases passed.")
    page.get_by_role("button", name="Take it live").click()
    expect(page.locator(".head")).to_contain_text("Live")

    page.goto(f"/templates/{draft.template.slug}/clone/")
    page.get_by_test_id("clone").click()
    expect(page.locator(".head")).to_contain_text("Active", timeout=60_000)
    with inside(place.tenant):
        installation = Installation.objects.get(template_slug=draft.template.slug)
        uninstall(installation_id=installation.pk, by=BY)
    with inside(sandbox):
        assert not Installation.objects.present().filter(template_slug=draft.template.slug)
    draft.template.releases.update(status=Release.Status.DEPRECATED)
    page.goto("/sandbox/")
    removal = page.locator("form[action$='/sandbox/remove/']")
    removal.locator("[name=sure]").check()
    removal.get_by_role("button").click()
    eventually(lambda: not Tenant.objects.filter(pk=sandbox.pk).exists(), within=60)


def _made_sandbox(tenant: Tenant) -> Tenant | None:
    """With its place in n8n, which comes last."""
    sandbox = Tenant.objects.active().filter(sandbox_of=tenant).first()
    return sandbox if sandbox and not unfinished_steps(sandbox).exists() else None


def test_a_connection_is_made_and_says_how_it_is(
    running: Any, visit: Visit, shop: FakeOutside
) -> None:
    place, name = running.places["prairie"], f"Till {secrets.token_hex(3)}"
    shop.answers["/me"] = lambda call: told({"by": "you"}) if (
        call.headers.get("x-api-key") == "right-key"
    ) else told({"error": "who?"}, 401)  # fmt: skip
    page = visit(place, MARA)
    page.goto("/connections/new/rest_key/")
    for label, value in (
        ("Name", name), ("Address", shop.url), ("Path to check", "/me"),
    ):  # fmt: skip
        page.get_by_label(label, exact=True).fill(value)
    page.locator("[name=key_name]").fill("X-Api-Key")
    page.locator("[name=api_key]").fill("wrong-key")
    page.get_by_role("button", name="Save and check").click()
    expect(page.get_by_test_id("last-error")).to_contain_text("401")

    page.get_by_role("link", name="Change", exact=True).click()
    expect(page.locator("[name=api_key]")).to_have_value("")
    page.locator("[name=api_key]").fill("right-key")
    page.get_by_role("button", name="Save and check").click()
    expect(page.get_by_text(f"“{name}” answers.")).to_be_visible()
    expect(page.get_by_test_id("last-error")).to_have_count(0)
    page.get_by_test_id("check").click()
    expect(page.locator("main")).to_contain_text("Working")
    assert "right-key" not in page.content()

    page.get_by_label("Yes, remove it").check()
    page.get_by_role("button", name="Remove the connection").click()
    expect(page).to_have_url(re.compile("/connections/$"))
    with inside(place.tenant):
        assert not Connection.objects.filter(name=name).exists()


def test_rules_for_customers_are_written_simulated_and_published(
    running: Any, visit: Visit, eventually: Callable[..., Any]
) -> None:
    slug = f"never-{secrets.token_hex(3)}"
    page = visit(running.places["hafen"], MARA)
    page.goto("/partner-rules/new/")
    page.get_by_label("Title").fill(f"Never {slug}")
    page.get_by_label("Short name").fill(slug)
    page.get_by_label("What the rules are about").select_option("order")
    page.get_by_role("button", name="Go on to its rules").click()
    page.get_by_label("Code", exact=True).fill("never")
    rule = page.get_by_label("If", exact=True)
    rule.fill("order.notes == 'x'")
    expect(page.locator(".rule-check").first).to_contain_text("There is no field “notes”")
    rule.fill(f"order.note == '{slug}'")
    page.get_by_label("What people read").fill("It never happens.")
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_label("Why", exact=True).fill("As agreed")
    page.get_by_role("button", name="Hand in for review").click()
    version = page.url if "/versions/" in page.url else ""
    if not version:
        page.get_by_role("link", name="v1", exact=True).click()
        version = page.url
    page.get_by_role("button", name="Simulate it").click()
    _wait_for_simulation(page)
    expect(page.get_by_test_id("part").filter(has_text="Hafen Supply")).to_be_visible()

    page.goto(version)
    step = page.locator("section", has=page.get_by_role("heading", name="Next step"))
    step.get_by_label("Why").first.fill("The contract starts today.")
    step.get_by_label(re.compile("publish it without a second person")).check()
    step.get_by_role("button", name="Publish it now").click()
    expect(page.get_by_text("The contract starts today.")).to_be_visible()
    end = page.locator("section", has=page.get_by_role("heading", name="Take it out of force"))
    end.get_by_label("Why").fill("It was a trial.")
    end.get_by_role("button", name="Retire it").click()
    expect(page.get_by_text("It was a trial.")).to_be_visible()


def _wait_for_simulation(page: Page) -> None:
    expect(page.get_by_role("button", name="Stop it")).to_have_count(0, timeout=20_000)
