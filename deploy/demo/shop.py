"""The shop's side: orders from tests/data/orders, signed and sent as Shopify does."""

import json
import time
from pathlib import Path
from typing import Any

import httpx

from controlplane.events.shopify import ID_HEADER, SIGNATURE_HEADER, TOPIC_HEADER, sign
from deploy.demo.story import Chapter
from deploy.demo.world import SOURCE, Place

ORDERS = Path(__file__).parents[2] / "tests" / "data" / "orders"


def fresh_order(file: str, number: int) -> dict[str, Any]:
    """The payload with an id and a name of its own, so that each run's orders are new."""
    order: dict[str, Any] = json.loads((ORDERS / f"{file}.json").read_text(encoding="utf-8"))
    order["id"], order["name"] = number, f"#{number % 100_000}"
    order.pop("admin_graphql_api_id", None)
    return order


def send(place: Place, chapter: Chapter, *, url: str, number: int) -> str:
    """Send it as often as the chapter says. Returns the event's id, which is the same each time."""
    body = json.dumps(fresh_order(chapter.file, number), ensure_ascii=False).encode()
    headers = {
        SIGNATURE_HEADER: sign(body, place.secret),
        TOPIC_HEADER: "orders/create",
        ID_HEADER: f"demo-{number}",
        "Content-Type": "application/json",
    }
    seen = set()
    with httpx.Client(timeout=10, trust_env=False) as client:
        for _copy in range(chapter.copies):
            answer = client.post(
                f"{url}/in/{place.tenant.slug}/{SOURCE}", content=body, headers=headers
            )
            answer.raise_for_status()
            seen.add(answer.json()["event_id"])
    if len(seen) != 1:
        raise AssertionError(f"{chapter.file}: {chapter.copies} copies became {len(seen)} events")
    return str(seen.pop())


def first_number() -> int:
    """Shopify's ids are large whole numbers; ours begin where no earlier run's did."""
    return int(time.time() * 10)
