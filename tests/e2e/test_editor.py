"""What a consultant sees: the template opens in n8n's editor, and the nodes explain themselves."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from controlplane.catalog.models import Template
from controlplane.workflow.shapes import STICKY
from deploy.n8n_nodes.trying import Side

pytestmark = pytest.mark.e2e


def test_the_template_opens_cleanly(editor: Page, running: Any) -> None:
    place = running.places["hafen"]
    workflow = place.installations["review-shopify-order"].workflow_id
    editor.goto(f"{running.environment['N8N_URL']}/workflow/{workflow}")
    nodes = editor.locator("[data-test-id=canvas-node]")
    expect(nodes.first).to_be_visible(timeout=30_000)
    for name in ("New Order", "Review Order", "Verdict?", "Ask a Person", "Record Accepted"):
        expect(
            editor.locator(f"[data-test-id=canvas-node][data-node-name='{name}']")
        ).to_be_visible()
    # A node of an unknown type or without its credential is marked.
    expect(editor.locator("[data-test-id=node-issues]")).to_have_count(0)
    editor.locator("[data-test-id=canvas-node][data-node-name='Review Order']").dblclick()
    panel = editor.locator("[data-test-id=ndv]")
    expect(panel).to_contain_text("Event ID")
    expect(panel).to_contain_text("Credential")


def test_the_editors_gallery_is_the_catalog(editor: Page, running: Any) -> None:
    editor.goto(f"{running.environment['N8N_URL']}/templates")
    cards = editor.locator("[data-test-id=template-card]")
    expect(cards.filter(has_text="Review Shopify orders")).to_be_visible(timeout=30_000)

    editor.locator("input[data-test-id=template-search-input]").or_(
        editor.locator("[data-test-id=template-search-input] input")
    ).fill("dispute")
    expect(cards).to_have_count(1)
    cards.first.click()

    expect(editor.locator("[data-test-id=template-description]")).to_contain_text("How it works")
    editor.locator("[data-test-id=use-template-button]").first.click()
    # It asks for the credential first; here that stays open.
    expect(editor.locator("[data-test-id=continue-button]")).to_be_visible(timeout=30_000)
    editor.locator("a[href*='/workflows/templates/']").click()
    release = Template.objects.get(slug="route-invoice-disputes").latest
    assert release is not None
    for node in release.workflow["nodes"]:
        if node["type"] != STICKY:
            named = f"[data-test-id=canvas-node][data-node-name={json.dumps(node['name'])}]"
            expect(editor.locator(named)).to_be_visible(timeout=30_000)
    editor.keyboard.press("Control+s")
    expect(editor).to_have_url(re.compile(r"/workflow/(?!new)\w{10,}"), timeout=30_000)
    made = re.search(r"/workflow/(\w+)", editor.url)
    assert made
    editor.close()
    side = Side(running.environment)
    side.remove(made[1])
    side.close()
