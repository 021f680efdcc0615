"""A customer's facts by e-mail address, put together from what the apps above keep of theirs.

For where nothing else is known of whoever asks, as with a mail. What nobody here keeps is empty, 0
or false: a bookkeeping's limits are the caller's to lay over.
"""

from collections.abc import Callable, Mapping
from typing import Any

Contribution = Callable[[str], Mapping[str, Any]]
"""Of an address, the fields below `customer` that an app knows; none where it knows nobody."""

_contributions: dict[str, Contribution] = {}


def contribute(name: str, found: Contribution) -> None:
    """From AppConfig.ready, by an app above; asked in the tenant, in the order of the names."""
    _contributions[name] = found


def facts_by_email(email: str) -> dict[str, Any]:
    """Of the context `customer`, each field there."""
    customer: dict[str, Any] = {
        **dict.fromkeys(
            ("id", "name", "company", "vat_id", "country", "language", "note", "since"), ""
        ),
        **dict.fromkeys(("days_known", "order_count", "refund_count", "open_ticket_count"), 0),
        **dict.fromkeys(("is_blocked", "is_verified"), False),
        "email": email.strip(),
        "tags": [],
        "currency": "XXX",
        "spent": {"minor": 0, "text": ""},
        "refunded": {"minor": 0},
        "open": {"minor": 0, "text": ""},
        "overdue": {"minor": 0},
        "credit_limit": {"minor": 0},
    }
    for _name, found in sorted(_contributions.items()):
        for field, value in found(email.strip()).items():
            customer[field] = value or customer[field]
    return {"customer": customer}
