"""Synthetic orders for a sandbox: the same in each, about nobody."""

import json
from datetime import UTC, datetime, timedelta

from django.db import transaction

from controlplane.core.actor import Actor
from controlplane.events import shopify
from controlplane.events.incoming import Incoming
from controlplane.events.intake import receive
from controlplane.events.models import Source
from controlplane.events.services import create_source
from controlplane.orders.services import review_order

SOURCE = "sample-shop"
TAG = "synthetic"
_START = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
# (sku, title, price, quantity, country): what the default rules accept, hold and reject.
_ORDERS = (
    ("ROPE-10", "Mooring rope, 10 m", "49.00", 1, "DE"),
    ("LAMP-2", "Cabin lamp", "119.00", 2, "DE"),
    ("PUMP-4", "Bilge pump", "189.50", 1, "AT"),
    ("SAIL-1", "Foresail", "2450.00", 1, "FR"),
    ("ROPE-10", "Mooring rope, 10 m", "49.00", 240, "NL"),
    ("ANCH-7", "Anchor, 7 kg", "320.00", 1, "US"),
)
_CHANGES: dict[int, dict[str, object]] = {
    3: {"shipping_address": None},
    6: {"cancelled_at": (_START + timedelta(days=3)).isoformat()},
}


def add_sample_orders(by: Actor) -> None:
    """A shop and its orders, through the door by which a shop's own come, and judged."""
    source = Source.objects.filter(slug=SOURCE).first()
    if source is None:
        source, _secret = create_source(slug=SOURCE, name="Sample shop", by=by)
    for number, line in enumerate(_ORDERS, start=1):
        body = json.dumps(_order(number, *line) | _CHANGES.get(number, {})).encode()
        headers = {
            shopify.SIGNATURE_HEADER: shopify.sign(body, source.secret),
            shopify.TOPIC_HEADER: "orders/create",
            shopify.ID_HEADER: f"synthetic-{number}",
        }
        with transaction.atomic():
            event = receive(source=source, incoming=Incoming.of(body, headers)).event
            review_order(event_id=event.pk, by=by)


def _order(
    number: int, sku: str, title: str, price: str, quantity: int, country: str
) -> dict[str, object]:
    total = f"{float(price) * quantity:.2f}"
    placed = (_START + timedelta(hours=7 * number)).isoformat()
    return {
        "id": 9_000_000 + number,
        "name": f"#S{1000 + number}",
        "created_at": placed,
        "currency": "EUR",
        "financial_status": "paid",
        "tags": TAG,
        "note": "A synthetic order: nobody placed it.",
        "email": f"buyer-{number}@customer.example",
        "total_price": total,
        "subtotal_price": total,
        "total_tax": "0.00",
        "total_discounts": "0.00",
        "taxes_included": True,
        "line_items": [
            {"id": number, "sku": sku, "title": title, "quantity": quantity, "price": price}
        ],
        "shipping_address": {
            "name": f"Sample Buyer {number}",
            "address1": f"{number} Example Quay",
            "city": "Exampleton",
            "zip": f"{10000 + number}",
            "country_code": country,
        },
    }
