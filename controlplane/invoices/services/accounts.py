"""A supplier that suddenly wants its money elsewhere: often a letter that somebody intercepted."""

from controlplane.invoices.matching.accounts import plain_iban
from controlplane.invoices.models import Invoice
from controlplane.invoices.services.duplicates import of_supplier


def iban_is_new(invoice: Invoice) -> bool:
    """Whether its supplier was paid before, and never to this account.

    A first invoice has nothing to compare with, nor has one that names no account.
    """
    iban = plain_iban(invoice.iban)
    if not (iban and invoice.supplier_key):
        return False
    accepted = Invoice.objects.filter(of_supplier(invoice), outcome=Invoice.Outcome.ACCEPTED)
    paid_to = accepted.exclude(pk=invoice.pk).exclude(iban="").order_by()
    known = {plain_iban(each) for each in paid_to.values_list("iban", flat=True).distinct()}
    return bool(known) and iban not in known
