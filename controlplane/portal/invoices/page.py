"""What the page of an invoice shows, put together from what the invoices' services kept."""

from typing import Any

from django.db.models import QuerySet

from controlplane.approvals.models import Approval
from controlplane.audit.models import Entry
from controlplane.events.models import Event
from controlplane.invoices.models import GoodsReceipt, GoodsReceiptLine, Invoice, PurchaseOrder
from controlplane.invoices.normal import NormalInvoice
from controlplane.invoices.services import SUBJECT, may_be_read_again
from controlplane.policies.verdicts import Verdict
from controlplane.portal.deliveries import execution_url
from controlplane.portal.invoices.bars import drawn
from controlplane.portal.invoices.source import Source, source_of
from controlplane.portal.invoices.terms import found_term, shown_terms
from controlplane.portal.reasons import in_words, told
from tenants import files
from tenants.payload_access import ACTION as OPENED

MOST_SHEET_LINES = 100
MOST_RECEIPTS = 20
# A place is drawn a little larger than the words in it, in points.
_MARGIN = 1.5
PICTURED = {Invoice.Format.PDF, Invoice.Format.HYBRID}


def may_be_corrected(invoice: Invoice) -> bool:
    """Whether a person reads the document for Pergola: XML is never overruled."""
    is_read = bool(invoice.read_at) and not invoice.quarantine_code
    is_open = is_read and not invoice.is_finished
    return is_open and (invoice.needs_check or invoice.format == Invoice.Format.PDF)


def shown_invoice(invoice: Invoice) -> dict[str, Any]:
    """The whole page but its form."""
    source = _source(invoice)
    normal = NormalInvoice.from_json(invoice.normal) if invoice.normal else None
    return {
        "section": "invoices",
        "invoice": invoice,
        "may_be_read_again": may_be_read_again(invoice),
        "normal": normal,
        "sheet_lines": normal.lines[:MOST_SHEET_LINES] if normal else (),
        "sheet_lines_left_out": max(len(normal.lines) - MOST_SHEET_LINES, 0) if normal else 0,
        "terms": list(shown_terms(normal, source.of_term if source else {})) if normal else [],
        "source": source,
        "has_pictures": invoice.format in PICTURED and not invoice.quarantine_code,
        "findings": _findings(invoice, source),
        **_match(invoice),
        **_reasons(invoice),
        "found": found_in_text(invoice) if normal is None else [],
        "approvals": Approval.objects.filter(subject_type=SUBJECT, subject_id=invoice.pk),
        "duplicates": invoice.duplicates.only("number", "filename"),
        # What was done to it; who looked at it stands in the audit trail.
        "history": Entry.objects.filter(subject_type=SUBJECT, subject_id=str(invoice.pk)).exclude(
            action=OPENED
        ),
        **_event(invoice),
    }


def shown_for_approval(approval: Approval) -> dict[str, Any]:
    """What is approved, where that is an invoice; `is_matched_again`: the answer counts no more."""
    if approval.subject_type != SUBJECT:
        return {}
    invoice = Invoice.objects.filter(pk=approval.subject_id).first()
    if invoice is None:
        return {}
    is_matched_again = approval.revision != str(invoice.decision_id or "")
    return {"invoice": invoice, "is_matched_again": is_matched_again, **_match(invoice)}


def _match(invoice: Invoice) -> dict[str, Any]:
    lines, left_out = drawn(invoice.match)
    for each in lines:
        for reason in each.line["reasons"]:
            reason["message"] = in_words(reason["message"], invoice)
    numbers = set((invoice.match or {}).get("order_numbers", ()))
    return {
        "match_lines": lines,
        "match_lines_left_out": left_out,
        "purchase_orders": PurchaseOrder.objects.numbered(numbers) if numbers else [],
        "goods_receipts": _receipts(numbers),
    }


def _receipts(numbers: set[str]) -> QuerySet[GoodsReceipt] | tuple[()]:
    if not numbers:
        return ()
    lines = GoodsReceiptLine.objects.of_orders(numbers)
    return GoodsReceipt.objects.filter(pk__in=lines.values("receipt"))[:MOST_RECEIPTS]


def _source(invoice: Invoice) -> Source | None:
    if not invoice.xml_sha256:
        return None
    try:
        return source_of(files.read_file(invoice.xml_sha256))
    except files.FileGone:
        return None


def _findings(invoice: Invoice, source: Source | None) -> list[dict[str, Any]]:
    """Each with the line of the XML that it is about; what is fatal comes first."""
    found = [
        {**finding, "line": source.line_of(finding.get("element", "")) if source else None}
        for finding in invoice.findings or ()
    ]
    return sorted(found, key=lambda finding: finding["severity"] != "fatal")


def _reasons(invoice: Invoice) -> dict[str, Any]:
    """What the policies said, and what the match found on top that no policy minds.

    What is held because of lines is told at the lines.
    """
    told_already = {reason["code"] for reason in invoice.reasons}
    others = (invoice.match or {}).get("reasons", ())
    of_the_whole = [
        reason
        for reason in invoice.reasons
        if not reason.get("lines") or reason["verdict"] != Verdict.HOLD
    ]
    return {
        "reasons": told(of_the_whole, invoice),
        "is_held_by_lines": len(of_the_whole) < len(invoice.reasons),
        "header_reasons": told(
            [reason for reason in others if reason["code"] not in told_already], invoice
        ),
    }


def found_in_text(invoice: Invoice) -> list[dict[str, Any]]:
    """What was found in a plain PDF, by the term that it is; a place as SVG wants it.

    As text, since a template would write numbers with the reader's decimal comma.
    """
    found = []
    for field in invoice.fields:
        term = found_term(field["name"], field["value"])
        shown = {**field, "term": term.code, "label": term.label, "told": term}
        if box := field.get("box"):
            left, top, right, bottom = box
            shown |= {
                "x": f"{left - _MARGIN:.1f}",
                "y": f"{top - _MARGIN:.1f}",
                "width": f"{right - left + 2 * _MARGIN:.1f}",
                "height": f"{bottom - top + 2 * _MARGIN:.1f}",
            }
        found.append(shown)
    return found


def _event(invoice: Invoice) -> dict[str, Any]:
    """The event that the invoice became, and where its n8n execution is seen."""
    event = None
    if invoice.event_id:
        event = Event.objects.select_related("source").filter(pk=invoice.event_id).first()
    return {"event": event, "execution_url": execution_url(event) if event else ""}
