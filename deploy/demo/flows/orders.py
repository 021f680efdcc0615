"""Orders from tests/data/orders, signed and sent as Shopify does."""

import json
from pathlib import Path
from typing import Any

from controlplane.events.shopify import ID_HEADER, SIGNATURE_HEADER, TOPIC_HEADER, sign
from controlplane.orders.models import Order
from controlplane.orders.normal import amount_text
from deploy.demo.flows import State, post
from deploy.demo.story import Chapter
from deploy.demo.world import Place

TEMPLATE = "review-shopify-order"
SOURCE, NAME, KIND = "shopify", "Shopify shop", "shopify"
ORDERS = Path(__file__).parents[3] / "tests" / "data" / "orders"


def send(place: Place, chapter: Chapter, *, number: int) -> str:
    body = json.dumps(fresh_order(chapter.file, number), ensure_ascii=False).encode()
    headers = {
        SIGNATURE_HEADER: sign(body, place.secrets[SOURCE]),
        TOPIC_HEADER: "orders/create",
        ID_HEADER: f"demo-{number}",
        "Content-Type": "application/json",
    }
    return post(place, SOURCE, body, headers, copies=chapter.copies)


def look(event_id: str) -> State | None:
    order = Order.objects.filter(event_id=event_id).first()
    if order is None:
        return None
    total = f"{amount_text(order.money)} {order.currency}"
    return State("order", order.pk, total, order.verdict, order.outcome)


def fresh_order(file: str, number: int) -> dict[str, Any]:
    """The payload with an id and a name of its own, so that each run's orders are new."""
    order: dict[str, Any] = json.loads((ORDERS / f"{file}.json").read_text(encoding="utf-8"))
    order["id"], order["name"] = number, f"#{number % 100_000}"
    order.pop("admin_graphql_api_id", None)
    return order
