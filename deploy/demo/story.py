"""What the demo shows: which orders two tenants get, and what must become of each."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Customer:
    """A tenant of the demo; `parameters` are those of the order template."""

    slug: str
    name: str
    language: str
    time_zone: str
    parameters: dict[str, Any]
    approver: tuple[str, str]
    """Name and e-mail of the tenant's own approver."""


@dataclass(frozen=True)
class Chapter:
    """One order: the file in tests/data/orders, and what is expected of it.

    `answer` is what the member decides where the order is held, with the comment.
    """

    tenant: str
    file: str
    verdict: str
    outcome: str
    answer: str = ""
    comment: str = ""
    copies: int = field(default=1)
    """How often the shop sends it; it must count once."""


PARTNER = {
    "slug": "brightline",
    "name": "Brightline Integrations",
    "product_name": "Brightline Flow",
    "brand_color": "#1f4e79",
    "support_email": "help@brightline.example",
}
MANAGER = ("Mara Lindqvist", "mara@brightline.example")

CUSTOMERS = (
    Customer(
        slug="hafen",
        name="Hafen Supply",
        language="en",
        time_zone="Europe/Berlin",
        parameters={
            "hold_above": {"amount": "500.00", "currency": "EUR"},
            "max_quantity": 100,
            "home_countries": ["DE", "AT", "FR", "NL"],
        },
        approver=("Jonas Petersen", "jonas@hafen.example"),
    ),
    Customer(
        slug="prairie",
        name="Prairie Outfitters",
        language="en",
        time_zone="America/Chicago",
        parameters={
            "hold_above": {"amount": "1000.00", "currency": "USD"},
            "max_quantity": 500,
            "home_countries": ["US", "CA"],
        },
        approver=("Grace Okafor", "grace@prairie.example"),
    ),
)

STORY = (
    Chapter("hafen", "eur_small", "accept", "accepted", copies=3),
    Chapter("hafen", "usd_large", "hold", "rejected", "reject", "We do not sell in dollars."),
    Chapter("hafen", "non_ascii", "hold", "accepted", "approve", "Known customer."),
    Chapter("hafen", "test_order", "reject", "rejected"),
    Chapter("prairie", "usd_large", "hold", "accepted", "approve", "Credit checked, ship it."),
    Chapter("prairie", "eur_small", "hold", "rejected", "reject", "Wrong shop."),
    Chapter("prairie", "cancelled", "reject", "rejected"),
)
