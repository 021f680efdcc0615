"""`make node-pictures`: what the node pack looks like in n8n's editor, for its pages in docs.

A demo of its own is started in `var/pictures`. For each resource a workflow with one node is made,
opened, and taken away again; the key behind it is the demo's and shown nowhere.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deploy.bootstrap import find_browser
from deploy.demo.running import running
from deploy.embedded.errors import StartFailed
from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack
from deploy.n8n_nodes.trying import Node, Side, node, pergola
from deploy.pictures import BROWSER_ID, CHROMIUM, PICTURES, ROOT, VAR

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

FOLDER = PICTURES / "nodes"
LARGEST_KB = 80
WINDOW: "ViewportSize" = {"width": 1180, "height": 760}
# What is shown of a resource: what it is mostly used for, else its first operation.
SHOWN = {
    "approval": "request", "connection": "request", "decision": "list", "event": "list",
    "exception": "open", "invoice": "submit", "knowledge": "add_document", "order": "review",
    "policy": "evaluate", "ticket": "triage",
}  # fmt: skip


def main() -> int:
    reporter = Reporter()
    try:
        browser = find_browser()
        if browser is None:
            raise StartFailed("No Chromium was found. `make test` says how to get one.")
        stack = Stack(ROOT, var=VAR, durable=False, reporter=reporter)
        with running(stack, reporter) as demo, _side(demo.environment) as side:
            nodes = _nodes(side, demo.places[0], demo.environment)
            _take_all(browser, side, nodes, demo.environment, reporter)
    except StartFailed as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def _side(environment: dict[str, str]) -> Iterator[Side]:
    side = Side(environment)
    try:
        yield side
    finally:
        side.close()


def _nodes(side: Side, place: Any, environment: dict[str, str]) -> dict[str, Node]:
    """By the picture's name."""
    from controlplane.nodes.registry import all_operations
    from tenants.models import ApiKey

    first: dict[str, str] = {}
    for declared in all_operations():
        first.setdefault(declared.resource, declared.name)
    scopes = sorted({declared.scope for declared in all_operations()})
    _key, text = ApiKey.issue(tenant=place.tenant, name="pictures", scopes=scopes)
    credential = side.credential(environment["PUBLIC_URL"], text, name="Pergola API")
    found = {
        resource: pergola("Pergola", resource, SHOWN.get(resource, name), credential)
        | {"typeVersion": 1.2}
        for resource, name in first.items()
    }
    source = {"__rl": True, "mode": "list", "value": "shopify", "cachedResultName": "Shopify"}
    found["event"]["parameters"]["additionalFields"] = {"source": source, "subject": "#1001"}
    options = {"sources": ["shopify"], "subject": "#10*", "testWith": "newest"}
    found["trigger"] = node(
        "Pergola Trigger", "n8n-nodes-pergola.pergolaTrigger", 1,
        {"events": ["order.created"], "options": options}, credentials=credential,
    )  # fmt: skip
    return found


def _take_all(
    program: str,
    side: Side,
    nodes: dict[str, Node],
    environment: dict[str, str],
    reporter: Reporter,
) -> None:
    # Not before: while Playwright runs, Django takes this thread for an asynchronous one.
    from playwright.sync_api import sync_playwright

    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM))
        page = _editor(browser, side, environment)
        for name, shown in nodes.items():
            with reporter.step(f"Picture nodes/{name}") as step:
                made = side.make(f"Picture {name}", [shown])
                step.done(_take(page, f"{side.url}/workflow/{made}", name))
                side.remove(made)
        browser.close()


def _editor(browser: "Browser", side: Side, environment: dict[str, str]) -> "Page":
    context = browser.new_context(viewport=WINDOW, color_scheme="light", reduced_motion="reduce")
    context.request.post(
        f"{side.url}/rest/login",
        headers={"browser-id": BROWSER_ID},
        data={
            "emailOrLdapLoginId": environment["N8N_OWNER_EMAIL"],
            "password": environment["N8N_OWNER_PASSWORD"],
        },
        fail_on_status_code=True,
    )
    context.add_init_script(f"localStorage.setItem('n8n-browserId', '{BROWSER_ID}')")
    return context.new_page()


def _take(page: "Page", url: str, name: str) -> str:
    """The open node, without what came in and what went out."""
    page.goto(url)
    page.locator('[data-test-id="canvas-node"]').first.wait_for(timeout=60_000)
    page.locator('[data-test-id="canvas-node"]').first.dblclick()
    panel = page.locator('[data-test-id="ndv-parameters-panel"], [data-test-id="node-parameters"]')
    panel.first.wait_for()
    page.wait_for_timeout(1500)  # lists that load, and fonts
    path = FOLDER / f"{re.sub('[^a-z]', '-', name)}.png"
    panel.first.screenshot(path=path, animations="disabled")
    size = path.stat().st_size // 1024
    if size > LARGEST_KB:
        raise StartFailed(f"{path.name} has {size} KB; {LARGEST_KB} KB is the most.")
    return f"{size} KB"


if __name__ == "__main__":
    sys.exit(main())
