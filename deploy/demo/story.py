"""What the demo shows: what comes in at two tenants, and what must become of each."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Customer:
    """A tenant of the demo; `parameters` are those of each template that it clones."""

    slug: str
    name: str
    language: str
    time_zone: str
    parameters: dict[str, dict[str, Any]]
    approver: tuple[str, str]
    """Name and e-mail of the tenant's own approver."""


@dataclass(frozen=True)
class Chapter:
    """One order, invoice or ticket, and what is expected of it.

    `answer` is what the member decides where it is held, with the comment.
    """

    tenant: str
    flow: str
    """A module of `deploy.demo.flows`."""
    file: str
    verdict: str
    outcome: str
    answer: str = ""
    comment: str = ""
    copies: int = field(default=1)
    """How often it is sent; it must count once."""


@dataclass(frozen=True)
class Question:
    """A ticket: who writes, and what."""

    name: str
    email: str
    subject: str
    body: str


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
            "review-shopify-order": {
                "hold_above": {"amount": "500.00", "currency": "EUR"},
                "max_quantity": 100,
                "home_countries": ["DE", "AT", "FR", "NL"],
            },
            "check-supplier-invoice": {"matching": "three_way", "price_tolerance_percent": "1"},
            "answer-support-ticket": {"reply_above": 70, "draft_above": 40},
        },
        approver=("Jonas Petersen", "jonas@hafen.example"),
    ),
    Customer(
        slug="prairie",
        name="Prairie Outfitters",
        language="en",
        time_zone="America/Chicago",
        parameters={
            "review-shopify-order": {
                "hold_above": {"amount": "1000.00", "currency": "USD"},
                "max_quantity": 500,
                "home_countries": ["US", "CA"],
            },
            "check-supplier-invoice": {"matching": "two_way"},
            # Here nothing goes out unread.
            "answer-support-ticket": {"reply_above": 100, "draft_above": 40},
        },
        approver=("Grace Okafor", "grace@prairie.example"),
    ),
)

TICKETS = {
    "return-window": Question(
        "Ines Moreau",
        "ines.moreau@example.com",
        "Returning a bilge pump",
        "Hello, how long can I return unused goods after delivery?",
    ),
    "copy-of-invoice": Question(
        "Piet de Vries",
        "piet@jachthaven.example",
        "Invoice",
        "Where do I get a copy of my invoice for last month?",
    ),
    "sponsorship": Question(
        "Lena Brandt",
        "lena@regatta.example",
        "Regatta in June",
        "Would you like to sponsor our youth regatta? We could print your logo on the sails.",
    ),
    "lost-package": Question(
        "Dale Whitman",
        "dale@example.com",
        "Package lost?",
        "My package seems to be lost, the carrier cannot find it. What happens now?",
    ),
}

STORY = (
    Chapter("hafen", "orders", "eur_small", "accept", "accepted", copies=3),
    Chapter(
        "hafen", "orders", "usd_large", "hold", "rejected", "reject", "We do not sell in dollars."
    ),
    Chapter("hafen", "orders", "non_ascii", "hold", "accepted", "approve", "Known customer."),
    Chapter("hafen", "orders", "test_order", "reject", "rejected"),
    Chapter(
        "prairie", "orders", "usd_large", "hold", "accepted", "approve", "Credit checked, ship it."
    ),
    Chapter("prairie", "orders", "eur_small", "hold", "rejected", "reject", "Wrong shop."),
    Chapter("prairie", "orders", "cancelled", "reject", "rejected"),
    Chapter("hafen", "invoices", "all-received.xml", "accept", "accepted", copies=2),
    Chapter(
        "hafen", "invoices", "short-received.xml", "hold", "rejected", "reject",
        "One line never arrived: ask for a credit note.",
    ),
    Chapter(
        "hafen", "invoices", "dearer-than-ordered.pdf", "hold", "accepted", "approve",
        "The new prices were agreed by telephone.",
    ),
    Chapter("hafen", "invoices", "hostile.xml", "reject", "rejected"),
    Chapter(
        "prairie", "invoices", "plain.pdf", "hold", "rejected", "reject",
        "No order of ours; asked for an e-invoice.",
    ),
    Chapter("hafen", "tickets", "return-window", "accept", "answered", copies=2),
    Chapter("hafen", "tickets", "copy-of-invoice", "accept", "answered"),
    Chapter("hafen", "tickets", "sponsorship", "reject", "handed over"),
    Chapter("prairie", "tickets", "lost-package", "hold", "answered", "approve", "Fine."),
)  # fmt: skip
