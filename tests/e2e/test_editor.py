"""What a consultant sees: the template opens in n8n's editor, and the nodes explain themselves."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

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
    expect(editor.locator("[data-test-id=use-template-button]").first).to_be_visible()
