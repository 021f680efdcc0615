"""How much more than agreed is let through.

A limit is set when it is above zero. With none set, nothing more is let through. With one set, a
difference within it is; with both a percentage and an amount set it has to be within *both*, so
that neither a small percentage of a large sum nor a small sum on a cheap thing slips through.
The percentage is of what the line should cost, the amount is for the line as a whole. An amount in
another currency than the invoice's is a limit that cannot be met.

Less than agreed needs no tolerance: paying less harms nobody who pays.
"""

from decimal import ROUND_HALF_UP, Decimal

from controlplane.core.money import Money
from controlplane.invoices.matching.papers import ZERO, Terms


def is_price_tolerated(*, charged: Decimal, agreed: Decimal, currency: str, terms: Terms) -> bool:
    """Whether `charged` may stand for a line that should cost `agreed`, both unrounded."""
    extra = charged - agreed
    if extra <= minor_unit(currency) / 2:  # what rounding alone can make
        return True
    limits = []
    if terms.price_percent > ZERO:
        limits.append(abs(agreed) * terms.price_percent / 100)
    if terms.price_amount > ZERO:
        limits.append(terms.price_amount if terms.price_currency == currency else ZERO)
    return bool(limits) and extra <= min(limits)


def most_of(quantity: Decimal, terms: Terms) -> Decimal:
    """The most of an ordered or received quantity that may be invoiced."""
    return quantity * (100 + max(terms.quantity_percent, ZERO)) / 100


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's minor unit, half up, as EN 16931 rounds."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_UP)


def minor_unit(currency: str) -> Decimal:
    """0.01, or 1 for JPY."""
    return 1 / Decimal(Money(Decimal(1), currency).minor)
