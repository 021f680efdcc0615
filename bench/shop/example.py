"""What is sent; without Django, which the sender does not need."""

from typing import Any

LINES = 5


def example(number: int) -> dict[str, Any]:
    """The body that is sent: an order of five lines."""
    return {
        "number": f"B{number}",
        "currency": "EUR",
        "lines": [
            {"sku": f"ROPE-{line}", "title": "Mooring rope", "quantity": line, "unit_price": "9.90"}
            for line in range(1, LINES + 1)
        ],
    }
