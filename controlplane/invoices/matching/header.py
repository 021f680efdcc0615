"""What can be wrong with an invoice beside its lines."""

from collections.abc import Iterator, Sequence

from controlplane.invoices.matching import totals
from controlplane.invoices.matching.assignment import orders_named
from controlplane.invoices.matching.papers import ZERO, Order, Papers, Terms
from controlplane.invoices.matching.result import Reason, plain
from controlplane.invoices.matching.similarity import is_same_company
from controlplane.invoices.normal import NormalInvoice, Party


def reasons(
    invoice: NormalInvoice, papers: Papers, used: Sequence[Order], terms: Terms
) -> Iterator[Reason]:
    yield from _of_references(invoice, papers, used)
    for order in used:
        yield from _of_order(invoice, order)
    if not invoice.lines:
        yield Reason("no_lines", "The invoice has no lines that could be matched.")
    charges = totals.charges_of(invoice)
    if charges > ZERO and not invoice.is_credit_note:
        within = terms.price_currency == invoice.currency and charges <= terms.price_amount
        if not within:
            yield Reason(
                "charge_not_ordered",
                f"{plain(charges)} {invoice.currency} of charges on the whole invoice were not "
                "ordered.",
            )
    for fault in totals.faults(invoice):
        yield Reason("totals_wrong", fault)


def _of_references(
    invoice: NormalInvoice, papers: Papers, used: Sequence[Order]
) -> Iterator[Reason]:
    named = orders_named(invoice)
    known = {order.number.casefold() for order in papers.orders}
    unknown = [number for number in named if number.casefold() not in known]
    if unknown:
        told = ", ".join(unknown)
        yield Reason("order_not_found", f"Purchase order {told} is not known.")
    if invoice.is_credit_note and not papers.preceding_known:
        told = ", ".join(invoice.preceding_invoices)
        yield Reason(
            "no_preceding_invoice",
            f"The invoice that is credited, {told}, is not known."
            if told
            else "The credit note does not name the invoice that it corrects.",
        )
    if not named and not used:
        yield Reason("no_order", "The invoice names no purchase order.")


def _of_order(invoice: NormalInvoice, order: Order) -> Iterator[Reason]:
    if order.status == "cancelled" and not invoice.is_credit_note:
        yield Reason("order_cancelled", f"Purchase order {order.number} was cancelled.")
    if order.status == "closed" and not invoice.is_credit_note:
        yield Reason("order_closed", f"Purchase order {order.number} is closed.")
    if order.currency != invoice.currency:
        yield Reason(
            "currency_differs",
            f"Purchase order {order.number} is in {order.currency}, the invoice in "
            f"{invoice.currency or 'no currency'}.",
        )
    if not _is_party(invoice.seller, order.supplier_name, order.supplier_vat_id):
        yield Reason(
            "supplier_differs",
            f"Purchase order {order.number} went to {order.supplier_name or order.supplier_vat_id},"
            f" the invoice is from {invoice.seller.name or invoice.seller.vat_id or 'nobody'}.",
        )
    if not _is_party(invoice.buyer, order.buyer_name, ""):
        yield Reason(
            "buyer_differs",
            f"Purchase order {order.number} is of {order.buyer_name}, the invoice is to "
            f"{invoice.buyer.name}.",
        )


def _is_party(party: Party, name: str, vat_id: str) -> bool:
    """By VAT number where both have one, else by name; where either is silent nothing differs."""
    if party.vat_id and vat_id:
        return _bare(party.vat_id) == _bare(vat_id)
    names = [told for told in (party.name, party.trading_name) if told]
    if not names or not name:
        return True
    return any(is_same_company(told, name) for told in names)


def _bare(vat_id: str) -> str:
    return "".join(char for char in vat_id.upper() if char.isalnum())
