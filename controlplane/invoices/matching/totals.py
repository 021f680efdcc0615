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

# More than any country's tax on sales: India asks 28 %, Hungary 27 %.
HIGHEST_TAX = Decimal("0.30")
# Amounts are rounded to whole units of a currency at the most.
MOST_ROUNDING = Decimal(1)


def charges_of(invoice: NormalInvoice) -> Decimal:
    """What the whole invoice adds to its lines, under whatever name: an allowance or a prepayment
    below zero is a charge too, and so is a rounding that rounds nothing."""
    totals = invoice.totals
    rounding = totals.rounding or ZERO
    added = (
        totals.charges or ZERO,
        -(totals.allowances or ZERO),
        -(totals.paid or ZERO),
        rounding if rounding > MOST_ROUNDING else ZERO,
    )
    return sum((amount for amount in added if amount > ZERO), start=ZERO)


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
            yield from told(f"The tax at {plain(part.rate)}%", part.tax_amount, tax)
    yield from _out_of_proportion(invoice)


def _out_of_proportion(invoice: NormalInvoice) -> Iterator[str]:
    """Sums can fit one another and still ask for what no line is about; or leave out the links."""
    totals = invoice.totals
    payable = totals.due if totals.due is not None else totals.with_vat
    net = totals.without_vat
    if net is None:
        nets = [line.net_amount or ZERO for line in invoice.lines]
        net = sum(nets, start=ZERO) + max(totals.charges or ZERO, ZERO)
    if payable is None:
        return
    asked = f"{plain(payable)} {invoice.currency}"
    if invoice.is_credit_note and payable < ZERO:
        yield f"The credit note asks for money: {asked} to be given back."
    elif payable > max(net, ZERO) * (1 + HIGHEST_TAX) + MOST_ROUNDING:
        yield (
            f"{asked} is to be paid for {plain(net)} {invoice.currency} before tax, more than any "
            "tax makes of it."
        )
