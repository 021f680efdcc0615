"""One invoice that comes twice: as XML and on paper, with its number written in another way.

A document of the same bytes is the same invoice from the start; this is about the others.
"""

import re

from django.db import connection
from django.db.models import F, Q

from controlplane.core.schema import entered_schema
from controlplane.invoices.models import Invoice
from controlplane.policies.verdicts import Verdict

_PARTS = re.compile(r"\d+|[^\W\d_]+")


def number_key(number: str) -> str:
    """Alike for R-1001, r 1001, R1001 and R-01001; 2026-1-12 and 2026-11-2 stay two."""
    return "-".join(_parts(number)) or number.lower()


def _parts(number: str) -> list[str]:
    found = _PARTS.findall(number.lower())
    return [part.lstrip("0") or "0" if part.isdecimal() else part for part in found]


def others_of_this_number(invoice: Invoice) -> list[Invoice]:
    """Those of the same supplier and number that nobody rejected, the original first.

    Two that come at once wait here for one another, until the commit.
    """
    key = number_key(invoice.number)
    if not (invoice.supplier_key and key):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('invoices.number'), hashtext(%s))",
            [f"{entered_schema()} {key}"],
        )
    parts = _parts(invoice.number)
    digits = [part for part in parts if part.isdecimal()]
    # Only so that not everything of a supplier is looked at.
    within = max(digits or parts or [key], key=len)
    rows = (
        Invoice.objects.filter(of_supplier(invoice), is_credit_note=invoice.is_credit_note)
        .filter(number__icontains=within)
        .exclude(pk=invoice.pk)
        .exclude(outcome=Invoice.Outcome.REJECTED)
        .order_by(F("duplicate_of").asc(nulls_first=True), "created_at", "id")
        .defer("text", "normal", "fields", "findings", "match")
    )
    return [row for row in rows if number_key(row.number) == key]


def of_supplier(invoice: Invoice) -> Q:
    """Invoices of the same supplier. The caller has seen that it has a `supplier_key`."""
    supplier = Q(supplier_key=invoice.supplier_key)
    if invoice.supplier_name:
        # Paper may leave out the VAT number that the XML has.
        by_name = Q(supplier_name__iexact=invoice.supplier_name)
        supplier |= by_name & Q(supplier_vat_id="") if invoice.supplier_vat_id else by_name
    return supplier


def look_for_original(invoice: Invoice) -> None:
    """Before it is judged: where its original was rejected, or another was accepted since.

    Of several that are left the oldest counts as the original. The caller holds the row.
    """
    if invoice.original is not None:
        return
    before = (invoice.created_at, invoice.pk)
    for other in others_of_this_number(invoice):
        is_taken = other.outcome or other.verdict == Verdict.ACCEPT
        if is_taken or (other.created_at, other.pk) < before:
            invoice.duplicate_of = other
            return
