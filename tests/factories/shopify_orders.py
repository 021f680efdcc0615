"""Payloads in Shopify's format: the files of tests/data/orders, and any number of lines."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "orders"
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))
DELETE = object()


def body_of(name: str, /, **changes: Any) -> str:
    """A file's text, with top-level fields changed, or taken away with `DELETE`."""
    payload = json.loads((FOLDER / f"{name}.json").read_text())
    order = payload.get("order", payload)
    order.update(changes)
    for field in [key for key, value in changes.items() if value is DELETE]:
        del order[field]
    return json.dumps(payload, ensure_ascii=False)


def body_with_lines(count: int) -> str:
    """An order of `count` lines whose amounts add up."""
    lines = [
        {
            "id": n,
            "sku": f"SKU-{n:04}",
            "title": f"Article {n}",
            "quantity": n % 3 + 1,
            "price": f"{n}.10",
            "requires_shipping": True,
        }
        for n in range(1, count + 1)
    ]
    cents = sum(line["quantity"] * (line["id"] * 100 + 10) for line in lines)
    total = f"{cents // 100}.{cents % 100:02}"
    return body_of(
        "eur_small",
        line_items=lines,
        shipping_lines=[],
        total_shipping_price_set=None,
        total_line_items_price=total,
        subtotal_price=total,
        total_price=total,
    )
