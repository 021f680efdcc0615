"""Reasons as the portal tells them: a policy's words, with its amounts and places as beside them.

Rules write "7485.33 USD" and "US", since a reason is kept and goes to n8n whatever its reader
speaks. Only the own currency and countries of an order or invoice are put into words: any other
two capitals in a message may be something else.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from controlplane.core.money import Money
from controlplane.invoices.models import Invoice
from controlplane.orders.models import Order
from controlplane.policies.models import Policy
from controlplane.portal.templatetags.portal import country, localized


def told(reasons: Sequence[dict[str, Any]], about: Order | Invoice | None) -> list[dict[str, Any]]:
    """The reasons with readable messages, and the policy's title for its slug."""
    if not reasons:
        return []
    titles = dict(Policy.objects.values_list("slug", "title"))
    return [
        {
            **reason,
            "message": in_words(reason["message"], about),
            "policy": titles.get(reason.get("policy", ""), reason.get("policy", "")),
        }
        for reason in reasons
    ]


def in_words(message: str, about: Order | Invoice | None) -> str:
    if about is None or not about.currency:
        return message
    if isinstance(about, Order):
        places = {(about.ship_to or {}).get("country"), (about.bill_to or {}).get("country")}
        for code in filter(None, places):
            message = re.sub(rf"\b{re.escape(code)}\b", country(code), message)
    amount = rf"(?<![\w.,])(-?\d+(?:\.\d+)?) {re.escape(about.currency)}\b"
    return re.sub(
        amount, lambda found: localized(Money(Decimal(found[1]), about.currency)), message
    )
