"""Reasons as the portal tells them: a policy's words, with its amounts and places as beside them.

Rules write "7485.33 USD" and "US", since a reason is kept and goes to n8n whatever its reader
speaks. Only the order's own currency and countries are put into words: any other two capitals in
a message may be something else.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from controlplane.core.money import Money
from controlplane.orders.models import Order
from controlplane.policies.models import Policy
from controlplane.portal.templatetags.portal import country, localized


def told(reasons: Sequence[dict[str, Any]], order: Order | None) -> list[dict[str, Any]]:
    """The reasons with readable messages, and the policy's title for its slug."""
    if not reasons:
        return []
    titles = dict(Policy.objects.values_list("slug", "title"))
    return [
        {
            **reason,
            "message": in_words(reason["message"], order),
            "policy": titles.get(reason.get("policy", ""), reason.get("policy", "")),
        }
        for reason in reasons
    ]


def in_words(message: str, order: Order | None) -> str:
    if order is None:
        return message
    places = {(order.ship_to or {}).get("country"), (order.bill_to or {}).get("country")}
    for code in filter(None, places):
        message = re.sub(rf"\b{re.escape(code)}\b", country(code), message)
    amount = rf"(?<![\w.,])(\d+(?:\.\d+)?) {re.escape(order.currency)}\b"
    return re.sub(
        amount, lambda found: localized(Money(Decimal(found[1]), order.currency)), message
    )
