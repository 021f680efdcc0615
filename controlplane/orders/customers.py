"""What the orders say of a customer of whom only the e-mail address is known."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Count, Min, Q, Sum
from django.utils import timezone

from controlplane.core.money import Money
from controlplane.orders.models import Order
from controlplane.orders.normal import amount_text

PAID = ("paid", "partially_refunded", "refunded")


def known_of(email: str) -> Mapping[str, Any]:
    """Tests and cancelled orders are none. Sums are of those in the newest one's currency."""
    orders = Order.objects.filter(buyer_email__iexact=email, is_test=False, cancelled_at=None)
    newest = orders.recent().first() if email else None
    if newest is None:
        return {}
    in_currency = Q(currency=newest.currency)
    found = orders.aggregate(
        since=Min("placed_at"),
        count=Count("pk"),
        refunds=Count("pk", filter=Q(refunded__gt=0)),
        spent=Sum("total", filter=in_currency & Q(financial_status__in=PAID)),
        refunded=Sum("refunded", filter=in_currency),
    )
    address = newest.bill_to or newest.ship_to or {}
    spent = Money(found["spent"] or Decimal(0), newest.currency)
    return {
        "name": newest.buyer_name,
        "company": newest.buyer_company,
        "country": address.get("country") or "",
        "since": found["since"].isoformat(),
        "days_known": (timezone.now() - found["since"]).days,
        "order_count": found["count"],
        "refund_count": found["refunds"],
        "currency": newest.currency,
        "spent": {"minor": spent.minor, "text": f"{amount_text(spent)} {spent.currency}"},
        "refunded": {"minor": Money(found["refunded"] or Decimal(0), newest.currency).minor},
    }
