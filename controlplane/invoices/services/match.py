"""Matching an invoice with what was ordered and received, and judging it by the policies."""

import uuid
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Case, F, QuerySet, Sum, When

from controlplane.approvals.renewal import hold_waiting, renew_approval
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.invoices.contexts import CONTEXT, facts_of, terms_of
from controlplane.invoices.matching import engine
from controlplane.invoices.matching.assignment import orders_named
from controlplane.invoices.matching.papers import Papers
from controlplane.invoices.matching.result import Match
from controlplane.invoices.models import (
    GoodsReceiptLine,
    Invoice,
    InvoiceLine,
    PurchaseOrder,
    PurchaseOrderLine,
)
from controlplane.invoices.normal import NormalInvoice
from controlplane.invoices.procurement.papers import order_of, received_line_of
from controlplane.invoices.services.accounts import iban_is_new
from controlplane.invoices.services.duplicates import look_for_original
from controlplane.invoices.services.lookup import SUBJECT, assert_read, locked_invoice
from controlplane.policies.contexts import get_context
from controlplane.policies.models import Decision
from controlplane.policies.parameters import parameters_for
from controlplane.policies.services import evaluate, input_hash, rule_sets_in_force


@transaction.atomic
def match_invoice(*, invoice_id: uuid.UUID, by: Actor) -> Invoice:
    """Hold the invoice against its orders and receipts, and judge it by the tenant's policies.

    Matched again, it is judged anew, for an order or a receipt may have come meanwhile; where
    nothing that counts has changed the decision stays, and with it an approval. An invoice that
    has an outcome keeps its match. An approval that waits is about the new match from now on, or
    ends where nothing is left to ask (`renew_approval`). Raises InvoiceUnknown, InvoiceNotRead.
    """
    invoice = locked_invoice(invoice_id)
    if invoice.is_finished:
        return invoice
    assert_read(invoice)
    hold_waiting(SUBJECT, invoice.pk)
    look_for_original(invoice)
    parameters = get_context(CONTEXT).with_defaults(_parameters(invoice, by))
    match = None
    if invoice.normal is not None:
        normal = NormalInvoice.from_json(invoice.normal)
        match = engine.match(normal, _papers(invoice, normal), terms_of(parameters))
    facts = facts_of(invoice, match, iban_is_new=iban_is_new(invoice))
    standing = _standing_decision(invoice, facts, parameters)
    decision = standing or evaluate(
        context=CONTEXT,
        subject_type=SUBJECT,
        subject_id=invoice.pk,
        data=facts,
        parameters=parameters,
        event_id=None,
        by=by,
    )
    invoice.attach_match(
        match=match.to_json() if match else None,
        decision=decision,
        reasons=[_with_lines(reason, match) for reason in decision.reasons],
    )
    invoice.save()
    if match:
        _keep_places(invoice, match)
    if not standing:
        record(
            action="invoice.matched",
            subject_type=SUBJECT,
            subject_id=str(invoice.pk),
            data={
                "number": invoice.number,
                "verdict": decision.verdict,
                "reasons": [reason["code"] for reason in decision.reasons],
                "decision_id": str(decision.pk),
                "orders": list(match.order_numbers) if match else [],
            },
            by=by,
        )
    renew_approval(subject_type=SUBJECT, subject_id=invoice.pk, by=by)
    return invoice


def come_up_since(invoice: Invoice) -> list[str]:
    """What would be told of a match now and was not told when the invoice was judged.

    Meanwhile another invoice may have taken the goods, or the order been cancelled. The orders are
    held until the commit, as in a match.
    """
    if invoice.decision_id is None or invoice.normal is None:
        return []
    decision = Decision.objects.get(pk=invoice.decision_id)
    normal = NormalInvoice.from_json(invoice.normal)
    now = engine.match(normal, _papers(invoice, normal), terms_of(decision.parameters)).to_json()
    known = _messages(invoice.match or {})
    return [message for message in _messages(now) if message not in known]


def _messages(match: dict[str, Any]) -> list[str]:
    of_lines = [reason for line in match.get("lines", ()) for reason in line["reasons"]]
    reasons = [*match.get("reasons", ()), *of_lines]
    return list(dict.fromkeys(reason["message"] for reason in reasons))


def _parameters(invoice: Invoice, by: Actor) -> dict[str, Any]:
    """A person belongs to no installation: then what the workflow judged by holds for them too."""
    given = parameters_for(by.installation_id)
    if by.installation_id is None and not given:
        judged = Decision.objects.filter(
            context=CONTEXT, subject_type=SUBJECT, subject_id=invoice.pk
        )
        if last := judged.order_by("-decided_at").first():
            return dict(last.parameters)
    return given


def _papers(invoice: Invoice, normal: NormalInvoice) -> Papers:
    """Everything on the other side. The orders are held until the commit: of two invoices of one
    order the second sees what the first uses up."""
    preceding = _preceding(invoice, normal)
    rows = list(_orders(normal, preceding).select_for_update().order_by("pk"))
    lines = PurchaseOrderLine.objects.filter(order__in=rows)
    orders = {row.pk: row for row in rows}
    received = GoodsReceiptLine.objects.select_related("receipt").of_orders(
        {row.number for row in rows}
    )
    return Papers(
        orders=tuple(
            order_of(row, [line for line in lines if line.order_id == pk])
            for pk, row in orders.items()
        ),
        receipts=tuple(received_line_of(line) for line in received),
        invoiced_before=_invoiced_before(invoice, lines),
        preceding_known=bool(preceding),
    )


def _preceding(invoice: Invoice, normal: NormalInvoice) -> list[Invoice]:
    """The invoices of the same supplier that a credit note names."""
    if not normal.is_credit_note:
        return []
    named = Invoice.objects.filter(
        supplier_key=invoice.supplier_key,
        number__in=normal.preceding_invoices,
        is_credit_note=False,
    ).exclude(outcome=Invoice.Outcome.REJECTED)
    return list(named.exclude(pk=invoice.pk))


def _orders(normal: NormalInvoice, preceding: list[Invoice]) -> QuerySet[PurchaseOrder]:
    if numbers := orders_named(normal):
        return PurchaseOrder.objects.numbered(set(numbers))
    used = InvoiceLine.objects.filter(invoice__in=preceding, order_line__isnull=False)
    return PurchaseOrder.objects.filter(pk__in=used.values("order_line__order"))


def _invoiced_before(invoice: Invoice, lines: QuerySet[PurchaseOrderLine]) -> dict[str, Decimal]:
    """By order line, less what was credited. What is judged *accept* counts before it is paid."""
    others = Invoice.objects.taking_from_orders().exclude(pk=invoice.pk)
    sums = (
        InvoiceLine.objects.filter(invoice__in=others, order_line__in=lines)
        .values("order_line")
        .annotate(
            total=Sum(
                Case(When(invoice__is_credit_note=True, then=-F("quantity")), default=F("quantity"))
            )
        )
    )
    return {str(row["order_line"]): row["total"] for row in sums}


def _standing_decision(
    invoice: Invoice, facts: dict[str, Any], parameters: dict[str, Any]
) -> Decision | None:
    """The decision that was taken on the same facts, by the same rules and parameters."""
    if invoice.decision_id is None:
        return None
    last = Decision.objects.filter(pk=invoice.decision_id).first()
    if last is None or last.input_sha256 != input_hash(facts) or last.parameters != parameters:
        return None
    decided_by = {version["id"] for version in last.policy_versions}
    in_force = {rules.id for rules in rule_sets_in_force(CONTEXT)}
    return last if decided_by == in_force else None


def _with_lines(reason: dict[str, Any], match: Match | None) -> dict[str, Any]:
    return {**reason, "lines": match.lines_with(reason["code"]) if match else []}


def _keep_places(invoice: Invoice, match: Match) -> None:
    """Remember at which order line each line was found: later invoices count it there."""
    keys = {line.position: line.order_key for line in match.lines}
    rows = list(invoice.lines.all())
    for row in rows:
        row.order_line_id = keys.get(row.position) or None
    InvoiceLine.objects.bulk_update(rows, ["order_line"], batch_size=1000)
