"""The node pack on another n8n than the one it is developed with.

That version is installed from npm once (minutes, 2 GB, in `var/second-n8n`). Then everything is up
as in the demo: an order goes through the whole first flow, trigger, review and outcome, and a
document is handed over out of n8n's own binary data. Not a part of CI.
"""

import hashlib
import os
import secrets
import time
from pathlib import Path
from typing import Any

import httpx

from bench.run import Report

ROOT = Path(__file__).resolve().parent.parent
NEEDS_DATA = False
VAR = ROOT / "var" / "second-n8n"
MANIFEST = ROOT / "deploy" / "n8n_second"
PATIENCE_SECONDS = 60


def run(data: Path, report: Report) -> dict[str, Any]:
    from deploy.demo.running import running
    from deploy.embedded.n8n import N8n
    from deploy.embedded.progress import Silent
    from deploy.embedded.stack import Stack

    class Brought(Stack):
        """An n8n of the customer's own: 2.0 gives no link by which a member could be invited."""

        def environment(self) -> dict[str, str]:
            found = super().environment()
            return {name: found[name] for name in found if not name.startswith("N8N_OWNER_")}

    stack = Brought(ROOT, var=VAR, durable=False, reporter=Silent())
    first = stack.n8n.version
    stack.n8n = N8n(VAR, stack.processes, host=VAR / "host", manifest=MANIFEST)
    # It stops at the name of a module that it does not know yet.
    stack.n8n.extra = {"N8N_DISABLED_MODULES": "insights"}
    with running(stack, Silent()) as demo:
        seconds = _first_flow(demo.places[0])
        report.row(what="first flow", seconds=seconds)
        same = _hand_over(demo.places[0], demo.environment)
        report.row(what="document handed over", same_bytes=same)
    report.table(
        f"The pack, made for n8n {first}, on n8n {stack.n8n.version}",
        ["what", "came of it"],
        [["an order, reviewed and recorded", f"{seconds:.1f} s"], ["a document, its bytes", same]],
    )
    return {
        "n8n": stack.n8n.version,
        "developed_with": first,
        "flow": "accepted",
        "document_same": same,
        "flow_s": round(seconds, 1),
    }


def _first_flow(place: Any) -> float:
    """An order that nobody has to look at: seconds until its outcome is written down."""
    from deploy.demo import watch
    from deploy.demo.flows import first_number, orders
    from deploy.demo.story import Chapter

    chapter = Chapter(place.tenant.slug, "orders", "eur_small", verdict="accept", outcome="")
    started = time.monotonic()
    event_id = orders.send(place, chapter, number=first_number() + 900)
    one = watch.Progress(place, chapter, event_id)
    while not one.outcome:
        if time.monotonic() - started > PATIENCE_SECONDS:
            raise RuntimeError(f"no outcome within {PATIENCE_SECONDS} s; see {VAR / 'log'}")
        time.sleep(0.2)
        one = watch.look(one)
    if one.outcome != "accepted":
        raise RuntimeError(f"the order ended as {one.outcome}")
    return time.monotonic() - started


def _hand_over(place: Any, environment: dict[str, str]) -> bool:
    """A file that comes to n8n is the same file in Pergola afterwards."""
    from controlplane.invoices.models import Invoice
    from deploy.n8n_nodes.trying import Side, handing_over
    from tenants.context import inside
    from tenants.models import ApiKey

    _key, text = ApiKey.issue(tenant=place.tenant, name="bench", scopes=["invoices:submit"])
    side, path = Side(environment), f"second-{secrets.token_hex(4)}"
    content = os.urandom(3_000_000)
    try:
        credential = side.credential(environment["PUBLIC_URL"], text)
        side.activate("Second n8n", handing_over(path, credential))
        answer = httpx.post(
            f"{side.url}/webhook/{path}", content=content, timeout=60, trust_env=False,
            headers={"Content-Type": "application/pdf"},
        )  # fmt: skip
        answer.raise_for_status()
    finally:
        side.close()
    with inside(place.tenant):
        kept = Invoice.objects.get(pk=answer.json()["invoice_id"])
    return kept.sha256 == hashlib.sha256(content).hexdigest()
