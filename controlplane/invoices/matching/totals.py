"""Whether an invoice adds up: lines to the net, net and tax to the gross, less what was paid.

EN 16931 has the same rules (BR-CO-10 to BR-CO-16), but here they also stand for what a person typed
from paper, and for a document whose other faults the tenant lets through.
"""

from collections.abc import Iterator
from decimal import Decimal

from controlplane.invoices.matching.papers import ZERO
from controlplane.invoices.matching.result import plain
from controlplane.invoices.matching.tolerance import minor_unit, rounded
from controlplane.invoices.normal import NormalInvoice


def faults(invoice: NormalInvoice) -> Iterator[str]:
    """A sentence for each sum that is off by more than a minor unit. What is missing is not."""
    totals, currency = invoice.totals, invoice.currency

    def told(name: str, stated: Decimal | None, *parts: Decimal | None) -> Iterator[str]:
        if stated is None or parts[0] is None:
            return
        computed = sum((part or ZERO for part in parts), start=ZERO)
        if abs(stated - computed) > minor_unit(currency):
            yield f"{name} is {plain(stated)} {currency}, not {plain(computed)}."

    nets = [line.net_amount for line in invoice.lines]
    if nets and None not in nets:
        yield from told("The sum of the lines", totals.line_net, *nets)
    allowances, paid = -(totals.allowances or ZERO), -(totals.paid or ZERO)
    yield from told(
        "The total without tax", totals.without_vat, totals.line_net, allowances, totals.charges
    )
    yield from told("The total with tax", totals.with_vat, totals.without_vat, totals.vat)
    yield from told("The amount due", totals.due, totals.with_vat, paid, totals.rounding)
    if invoice.vat and all(part.tax_amount is not None for part in invoice.vat):
        yield from told("The tax", totals.vat, *(part.tax_amount for part in invoice.vat))
    for part in invoice.vat:
        if part.taxable_amount is not None and part.rate is not None:
            tax = rounded(part.taxable_amount * part.rate / 100, currency)
            yield from told(f"The tax at {plain(part.rate)} %", part.tax_amount, tax)
