"""Sources, signed webhooks, events and listeners, made through the services that doors call."""

import json
import uuid
from typing import Any

from controlplane.core.actor import Actor, ActorKind
from controlplane.events import services, shopify, signing
from controlplane.events.incoming import Incoming
from controlplane.events.intake import receive
from controlplane.events.models import Event, Source, Subscription
from controlplane.instances.models import Workspace

SECRET = "hush"
# Nobody listens there; good for what is checked and not called.
NOWHERE = "http://127.0.0.1:9"
ADA = Actor(ActorKind.MEMBER, "1", "Ada Lovelace", frozenset({"approvals:decide"}))


def make_machine(installation_id: uuid.UUID | None = None) -> Actor:
    return Actor(ActorKind.MACHINE, "key-1", "Test key", installation_id=installation_id)


def make_workspace(url: str = NOWHERE, **fields: Any) -> Workspace:
    """The tenant's place on an n8n at `url`, as a member of its own."""
    given = {
        "instance_id": uuid.uuid4(),
        "base_url": url,
        "webhook_base_url": url,
        "prefix": "north",
        "member_email": "north@members.pergola.invalid",
        "api_key": "n8n-key",
    } | fields
    return Workspace.objects.create(**given)


def make_source(slug: str = "shop", secret: str = SECRET, kind: str = "shopify") -> Source:
    return services.create_source(slug=slug, name=slug.title(), kind=kind, secret=secret, by=ADA)[0]


def signed_headers(body: bytes, *, own_id: str = "", secret: str = SECRET) -> dict[str, str]:
    """For a source of another kind than Shopify's: signed as Pergola asks for."""
    headers = {signing.SIGNATURE_HEADER: signing.sign(body, secret)}
    return headers | ({signing.ID_HEADER: own_id} if own_id else {})


def webhook_headers(body: bytes, *, webhook_id: str = "", **changes: str) -> dict[str, str]:
    """As Shopify sends them; `secret` and `topic` may be given."""
    headers = {
        shopify.SIGNATURE_HEADER: shopify.sign(body, changes.get("secret", SECRET)),
        shopify.TOPIC_HEADER: changes.get("topic", "orders/create"),
    }
    return headers | ({shopify.ID_HEADER: webhook_id} if webhook_id else {})


def order_body(number: int = 1001, **changes: Any) -> bytes:
    """A small order in euros that the default policy accepts."""
    order = {
        "id": 5_000_000 + number,
        "name": f"#{number}",
        "created_at": "2026-03-01T09:30:00+01:00",
        "currency": "EUR",
        "financial_status": "paid",
        "total_price": "119.00",
        "subtotal_price": "119.00",
        "total_tax": "19.00",
        "taxes_included": True,
        "email": "kaja@example.com",
        "line_items": [
            {"id": 1, "sku": "LAMP-1", "title": "Lamp", "quantity": 1, "price": "119.00"}
        ],
        "shipping_address": {
            "name": "Kaja Nowak",
            "address1": "Hafenstraße 1",
            "city": "Hamburg",
            "zip": "20095",
            "country_code": "DE",
        },
    }
    return json.dumps(order | changes, ensure_ascii=False).encode()


def make_event(source: Source | None = None, number: int = 1001, **changes: Any) -> Event:
    source = source or Source.objects.filter(slug="shop").first() or make_source()
    body = order_body(number, **changes)
    return receive(source=source, incoming=Incoming.of(body, webhook_headers(body))).event


def make_subscription(
    url: str = NOWHERE, *, path: str = "/webhook/orders", by: Actor | None = None, **fields: Any
) -> Subscription:
    given = {"event_types": ["order.created"], "workflow_id": "wf1", "is_test": False} | fields
    return services.subscribe(webhook_url=f"{url}{path}", by=by or make_machine(), **given)
