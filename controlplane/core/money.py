"""Amounts: `Decimal` with an ISO 4217 currency; minor units where whole numbers are compared."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision


@dataclass(frozen=True)
class Money:
    """`amount` in major units (12.34), `currency` an ISO 4217 code in capitals."""

    amount: Decimal
    currency: str

    @property
    def minor(self) -> int:
        """Whole minor units (cents, or yen for JPY); a finer amount is rounded half up.

        The exponent of each currency is CLDR's.
        """
        exponent = get_currency_precision(self.currency)
        return int((self.amount * 10**exponent).to_integral_value(rounding="ROUND_HALF_UP"))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def localized(self, locale: str) -> str:
        """As people write it, for example `1.234,50 €` in `de`."""
        return format_currency(self.amount, self.currency, locale=locale)


def is_currency(code: str) -> bool:
    """Whether CLDR knows the ISO 4217 code."""
    return code in get_global("all_currencies")


def parse_amount(value: str | int | float | Decimal) -> Decimal:
    """A finite amount; a float goes through its shortest text, so 12.1 stays 12.1.

    Raises ValueError.
    """
    try:
        amount = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is not an amount") from error
    if not amount.is_finite():
        raise ValueError(f"{value!r} is not an amount")
    return amount
