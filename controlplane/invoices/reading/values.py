"""Numbers, dates and codes out of XML, where whatever cannot be read becomes a problem."""

import re
from datetime import date
from decimal import Decimal

from controlplane.core.money import is_currency
from controlplane.invoices.normal import NormalInvoice
from controlplane.invoices.reading.xml import Node

# xs:decimal in ASCII digits: no exponent, no NaN or INF, no digits of other scripts.
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\Z")
MOST_INTEGER_DIGITS = 15
MOST_FRACTION_DIGITS = 24
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2}|T.*)?\Z")
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{4,6})?\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
MOST_PROBLEMS = 200
MOST_LINES = 20_000


class Values:
    """Reads values of one document and remembers the problems on the way."""

    def __init__(self) -> None:
        self.problems: list[dict[str, str]] = []
        self.currencies: dict[str, str] = {}

    def problem(self, code: str, message: str, field: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append({"code": code, "message": message, "field": field})

    def number(self, node: Node | None, field: str) -> Decimal | None:
        """The decimal of an element; None with a problem when it is not one."""
        if node is None or not node.value:
            return None
        text = node.value
        if not _DECIMAL.match(text):
            self.problem("number_unreadable", f"{text[:40]!r} is not a decimal number.", field)
            return None
        whole, _point, fraction = text.lstrip("+-").partition(".")
        if (
            len(whole.lstrip("0")) > MOST_INTEGER_DIGITS
            or len(fraction.rstrip("0")) > MOST_FRACTION_DIGITS
        ):
            self.problem(
                "number_out_of_range", f"{text[:40]!r} has more digits than an amount has.", field
            )
            return None
        return Decimal(f"{text[0] if text[0] == '-' else ''}{whole or 0}.{fraction.rstrip('0')}")

    def amount(self, node: Node | None, field: str) -> Decimal | None:
        """A number that may name its currency."""
        if node is not None and (currency := node.attribute("currencyID")):
            self.currencies.setdefault(currency, field)
        return self.number(node, field)

    def day(self, text: str, field: str) -> date | None:
        if not text:
            return None
        parts = _ISO_DATE.match(text) or _COMPACT_DATE.match(text)
        try:
            if parts:
                return date(int(parts[1]), int(parts[2]), int(parts[3]))
        except ValueError:
            pass
        self.problem("date_unreadable", f"{text[:40]!r} is not a date.", field)
        return None

    def currency(self, text: str, field: str) -> str:
        if not text:
            return ""
        if not _CURRENCY.match(text) or not is_currency(text):
            self.problem(
                "currency_unknown", f"{text[:40]!r} is not a currency code of ISO 4217.", field
            )
            return ""
        return text

    def one_currency(self, currency: str) -> None:
        """Every amount that names a currency has to name the invoice's."""
        for other, field in self.currencies.items():
            if currency and other != currency:
                self.problem(
                    "currency_differs",
                    f"The invoice is in {currency}, but an amount is in {other[:10]!r}.",
                    field,
                )


def missing(values: Values, invoice: NormalInvoice, *, needs_lines: bool) -> None:
    """A problem for everything that an invoice cannot be checked without."""
    for field, name in (
        ("number", "a number"),
        ("issue_date", "an issue date"),
        ("currency", "a currency"),
    ):
        unread = any(problem["field"] == field for problem in values.problems)
        if not getattr(invoice, field) and not unread:
            values.problem(f"{field}_missing", f"The invoice has not got {name}.", field)
    if not invoice.seller.name:
        values.problem("seller_missing", "The invoice does not name its seller.", "seller.name")
    totals = invoice.totals
    if totals.due is None and totals.with_vat is None:
        values.problem("total_missing", "The invoice has no total that can be read.", "totals.due")
    if needs_lines and not invoice.lines:
        values.problem("lines_missing", "The invoice has no lines.", "lines")
