"""Running the official rules on an invoice."""

import uuid
from dataclasses import asdict

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.invoices import rules
from controlplane.invoices.models import Invoice
from controlplane.invoices.rules.sets import Syntax
from controlplane.invoices.services.lookup import SUBJECT, assert_read, get_invoice, locked_invoice
from controlplane.invoices.services.read import storable
from tenants import files

NO_XML = "PERGOLA-NO-XML"


def validate_invoice(*, invoice_id: uuid.UUID, by: Actor) -> Invoice:
    """Check the invoice against EN 16931 and keep what was found; once, since it never changes.

    A document without XML cannot be checked: it is not valid and says so in a warning.
    Raises InvoiceUnknown, InvoiceNotRead, FileGone, RulesUnavailable, RulesTookTooLong.
    """
    invoice = get_invoice(invoice_id)
    if invoice.validated_at is not None:
        return invoice
    assert_read(invoice)
    if not invoice.xml_sha256:
        return _keep(invoice_id, "", [_no_xml(invoice)], by)
    syntax: Syntax = "cii" if invoice.syntax == "cii" else "ubl"
    validation = rules.validate(files.read_file(invoice.xml_sha256), syntax)
    findings = [asdict(finding) for finding in validation.findings]
    return _keep(invoice_id, str(validation.rule_set), findings, by)


@transaction.atomic
def _keep(
    invoice_id: uuid.UUID, rule_set: str, findings: list[dict[str, str]], by: Actor
) -> Invoice:
    invoice = locked_invoice(invoice_id)
    if invoice.validated_at is not None:
        return invoice
    invoice.findings, invoice.rule_set = storable(findings), rule_set
    invoice.validated_at = timezone.now()
    invoice.save()
    record(
        action="invoice.validated",
        subject_type=SUBJECT,
        subject_id=str(invoice.pk),
        data={
            "number": invoice.number,
            "rule_set": rule_set,
            "errors": invoice.errors,
            "warnings": invoice.warnings,
            "broken": sorted({each["rule_id"] for each in findings if each["severity"] == "fatal"})[
                :50
            ],
        },
        by=by,
    )
    return invoice


def _no_xml(invoice: Invoice) -> dict[str, str]:
    told = invoice.quarantine_reason or (
        "The document holds no electronic invoice, so the rules of EN 16931 cannot be checked."
    )
    return {"rule_id": NO_XML, "severity": "warning", "message": told, "element": ""}
