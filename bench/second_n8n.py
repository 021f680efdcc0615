"""The node pack on another n8n than the one it is developed with.

That version is installed from npm once (minutes, 1.4 GB, in `var/second-n8n`). Then an order goes
through trigger, review and outcome, and a document is handed over out of n8n's own binary data, in
workflows made by n8n's API. Not a part of CI.
"""

import hashlib
import os
import secrets
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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
    from deploy.embedded.n8n import N8n
    from deploy.embedded.progress import Silent
    from deploy.embedded.stack import Stack

    stack = Stack(ROOT, var=VAR, durable=False, reporter=Silent())
    first = stack.n8n.version
    stack.n8n = N8n(VAR, stack.processes, host=VAR / "host", manifest=MANIFEST)
    # It stops at the name of a module that it does not know yet.
    stack.n8n.extra = {"N8N_DISABLED_MODULES": "insights"}
    with _running(stack) as (tenant, environment):
        side, credential = _side(tenant, environment)
        seconds = _first_flow(tenant, side, credential)
        report.row(what="first flow", seconds=seconds)
        same = _hand_over(tenant, side, credential)
        report.row(what="document handed over", same_bytes=same)
        side.close()
    report.table(
        f"The pack, made for n8n {first}, on n8n {stack.n8n.version}",
        ["what", "came of it"],
        [
            ["an order: trigger, review, outcome", f"{seconds:.1f} s"],
            ["a document", "the same bytes" if same else "other bytes"],
        ],
    )
    return {
        "n8n": stack.n8n.version,
        "developed_with": first,
        "flow": "accepted",
        "document_same": same,
        "flow_s": round(seconds, 1),
    }


@contextmanager
def _running(stack: Any) -> Iterator[tuple[Any, dict[str, str]]]:
    """Everything but the catalog, whose templates ask for the n8n that they were made with."""
    from deploy.embedded.progress import Silent
    from deploy.n8n_nodes import build

    with stack:
        stack.start(node_pack=build.pack())
        environment = stack.environment()
        os.environ.update(
            environment, LOG_LEVEL="WARNING", DJANGO_SETTINGS_MODULE="controlplane.settings"
        )

        import django

        django.setup()
        from deploy.demo import world
        from deploy.demo.processes import Pergola

        pergola = Pergola(VAR, environment, Silent())
        try:
            world.prepare(Silent())
            pergola.start()
            yield _tenant(environment), environment
        finally:
            pergola.stop()


def _tenant(environment: dict[str, str]) -> Any:
    """A new one, whose workspace is at that n8n."""
    from controlplane.core.actor import system
    from controlplane.instances.models import Workspace
    from tenants.context import inside
    from tenants.models import Partner
    from tenants.provisioning import provision_tenant, start_tenant

    partner, _created = Partner.objects.get_or_create(slug="second", defaults={"name": "Second"})
    slug = f"second-{secrets.token_hex(4)}"
    tenant = start_tenant(slug=slug, name=slug, partner=partner)
    provision_tenant(tenant, by=system("bench"))
    url = environment["N8N_URL"]
    with inside(tenant):
        Workspace.objects.create(
            instance_id=uuid.uuid4(), base_url=url, webhook_base_url=url, prefix=slug,
            member_email="bench@members.pergola.invalid", api_key=environment["N8N_API_KEY"],
        )  # fmt: skip
    return tenant


def _side(tenant: Any, environment: dict[str, str]) -> tuple[Any, Any]:
    from deploy.n8n_nodes.trying import Side
    from tenants.models import ApiKey

    scopes = ["events:subscribe", "orders:review", "orders:record", "invoices:submit"]
    _key, text = ApiKey.issue(tenant=tenant, name="bench", scopes=scopes)
    side = Side(environment)
    # n8n 2.0 wants a list of domains of who does not say that there is none.
    more = {"allowedHttpRequestDomains": "all"}
    return side, side.credential(environment["PUBLIC_URL"], text, **more)


def _first_flow(tenant: Any, side: Any, credential: Any) -> float:
    """An order that nobody has to look at: seconds until its outcome is written down."""
    from bench.events.n8n_side import pergola, trigger
    from controlplane.core.actor import system
    from controlplane.events.services import create_source
    from controlplane.orders.models import Order
    from deploy.demo.flows import first_number, orders
    from deploy.demo.story import Chapter
    from deploy.demo.world import Place
    from tenants.context import inside

    with inside(tenant):
        source, secret = create_source(slug=orders.SOURCE, name="Shop", by=system("bench"))
    review = pergola("Review", "order", "review", credential)
    record = pergola("Record", "order", "record_outcome", credential, outcome="accepted")
    side.activate("Second flow", [trigger(credential), review, record])
    chapter = Chapter(tenant.slug, "orders", "eur_small", verdict="accept", outcome="")
    # Nobody of the demo's has a part in it.
    place = Place(None, tenant, None, {source.slug: secret}, {})  # type: ignore[arg-type]
    started = time.monotonic()
    event_id = orders.send(place, chapter, number=first_number() + 900)
    while time.monotonic() - started < PATIENCE_SECONDS:
        with inside(tenant):
            order = Order.objects.filter(event_id=event_id).first()
        if order is not None and order.outcome:
            return time.monotonic() - started
        time.sleep(0.1)
    raise RuntimeError(f"no outcome within {PATIENCE_SECONDS} s; see {VAR / 'log'}")


def _hand_over(tenant: Any, side: Any, credential: Any) -> bool:
    """A file that comes to n8n is the same file in Pergola afterwards."""
    from controlplane.invoices.models import Invoice
    from deploy.n8n_nodes.trying import handing_over
    from tenants.context import inside

    path, content = f"second-{secrets.token_hex(4)}", os.urandom(3_000_000)
    side.activate("Second hand-over", handing_over(path, credential))
    answer = httpx.post(
        f"{side.url}/webhook/{path}", content=content, timeout=60, trust_env=False,
        headers={"Content-Type": "application/pdf"},
    )  # fmt: skip
    answer.raise_for_status()
    with inside(tenant):
        kept = Invoice.objects.get(pk=answer.json()["invoice_id"])
    return kept.sha256 == hashlib.sha256(content).hexdigest()
