"""The business terms of EN 16931 that an invoice's page names, in the groups that people know."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from controlplane.core.money import parse_amount
from controlplane.invoices.normal import NormalInvoice

Get = Callable[[NormalInvoice], Any]


@dataclass(frozen=True)
class Term:
    """By its code, which is the same in every language and format."""

    code: str
    label: Any
    get: Get


@dataclass(frozen=True)
class Shown:
    """A term with what this invoice says; `line` is where that stands in the XML."""

    code: str
    label: Any
    value: Any
    line: int | None = None

    @property
    def kind(self) -> str:
        match self.value:
            case Decimal():
                return "amount"
            case date():
                return "date"
        return "text"


GROUPS: tuple[tuple[Any, tuple[Term, ...]], ...] = (
    (
        _("Document"),
        (
            Term("BT-1", _("Number"), lambda invoice: invoice.number),
            Term("BT-2", _("Issued"), lambda invoice: invoice.issue_date),
            Term("BT-9", _("Due"), lambda invoice: invoice.due_date),
            Term("BT-13", _("Purchase order"), lambda invoice: invoice.order_ref),
            Term("BT-10", _("Buyer reference"), lambda invoice: invoice.buyer_reference),
            Term("BT-12", _("Contract"), lambda invoice: invoice.contract_ref),
            Term("BT-16", _("Despatch advice"), lambda invoice: invoice.despatch_ref),
            Term("BT-15", _("Receiving advice"), lambda invoice: invoice.receiving_advice_ref),
            Term(
                "BT-25",
                _("Preceding invoice"),
                lambda invoice: ", ".join(invoice.preceding_invoices),
            ),
            Term("BT-72", _("Delivered"), lambda invoice: invoice.delivery_date),
        ),
    ),
    (
        _("Seller"),
        (
            Term("BT-27", _("Name"), lambda invoice: invoice.seller.name),
            Term("BT-31", _("VAT identifier"), lambda invoice: invoice.seller.vat_id),
            Term("BT-32", _("Tax number"), lambda invoice: invoice.seller.tax_id),
            Term("BT-84", _("Account (IBAN)"), lambda invoice: invoice.iban),
            Term("BT-59", _("Payee"), lambda invoice: invoice.payee and invoice.payee.name),
        ),
    ),
    (
        _("Buyer"),
        (
            Term("BT-44", _("Name"), lambda invoice: invoice.buyer.name),
            Term("BT-48", _("VAT identifier"), lambda invoice: invoice.buyer.vat_id),
        ),
    ),
    (
        _("Amounts"),
        (
            Term("BT-106", _("Sum of lines"), lambda invoice: invoice.totals.line_net),
            Term("BT-107", _("Allowances"), lambda invoice: invoice.totals.allowances),
            Term("BT-108", _("Charges"), lambda invoice: invoice.totals.charges),
            Term("BT-109", _("Without VAT"), lambda invoice: invoice.totals.without_vat),
            Term("BT-110", _("VAT"), lambda invoice: invoice.totals.vat),
            Term("BT-112", _("With VAT"), lambda invoice: invoice.totals.with_vat),
            Term("BT-113", _("Paid before"), lambda invoice: invoice.totals.paid),
            Term("BT-115", _("To be paid"), lambda invoice: invoice.totals.due),
        ),
    ),
)


LABELS = {term.code: term.label for _title, terms in GROUPS for term in terms} | {
    "BT-5": _("Currency"),
    "BT-27": _("Supplier"),
    "BT-31": _("Supplier's VAT identifier"),
    "BT-44": _("Buyer"),
}
# Which of them each field is that a person fills in, or that was found in the text of a PDF.
TERM_OF_FIELD = {
    "number": "BT-1",
    "issue_date": "BT-2",
    "due_date": "BT-9",
    "order_reference": "BT-13",
    "supplier_name": "BT-27",
    "supplier_vat_id": "BT-31",
    "buyer_name": "BT-44",
    "iban": "BT-84",
    "currency": "BT-5",
    "net": "BT-109",
    "tax": "BT-110",
    "gross": "BT-112",
    "payable": "BT-115",
}

# Sums that many programs write as zero.
_ONLY_WHERE_THERE_IS_SOME = {"BT-107", "BT-108", "BT-113"}
# What the reading of a PDF's text calls some of them.
FIELD_OF_FOUND = {
    "order_number": "order_reference",
    "total": "gross",
    "vat_id": "supplier_vat_id",
}
_DAYS, _SUMS = {"BT-2", "BT-9"}, {"BT-109", "BT-110", "BT-112", "BT-115"}


def found_term(name: str, value: str) -> Shown:
    """Something that was found in a text, as the term that it is; what is no such value stays."""
    field = FIELD_OF_FOUND.get(name, name)
    code = TERM_OF_FIELD.get(field, field)
    read: Any = value
    with suppress(ValueError):
        if code in _DAYS:
            read = date.fromisoformat(value)
        elif code in _SUMS:
            read = parse_amount(value)
    return Shown(code, LABELS.get(code, name), read)


def shown_terms(invoice: NormalInvoice, lines: dict[str, int]) -> Iterator[tuple[Any, list[Shown]]]:
    """Each group with what the invoice says of it; what it does not say is left out."""
    for title, terms in GROUPS:
        told = [
            Shown(term.code, term.label, value, lines.get(term.code))
            for term in terms
            if (value := term.get(invoice)) not in ("", None)
            and (value or term.code not in _ONLY_WHERE_THERE_IS_SOME)
        ]
        if told:
            yield title, told
