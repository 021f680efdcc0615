"""What rules can read of an invoice and its match. Every field is always there and never null."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision

from controlplane.core.money import Money, parse_amount
from controlplane.invoices.matching.accounts import masked_iban
from controlplane.invoices.matching.papers import ZERO, Terms
from controlplane.invoices.matching.result import CODES, LINE_CODES, Match
from controlplane.invoices.models import Invoice
from controlplane.policies.contexts import Parameter, register_context

CONTEXT = "invoice"
NO_CURRENCY = "XXX"
_SHOWN = 3
# More than rules can compare exactly; an amount beyond is shown in full and compared as this.
_LARGEST_MINOR = 2**53 - 1

_MINOR = "in whole minor units of the invoice's currency: 1250 is 12.50 EUR, and 1,250 JPY"
FIELDS: dict[str, str] = {
    "invoice.number": "The supplier's number for it",
    "invoice.format": "ubl, cii, hybrid (PDF with XML inside), pdf or unknown",
    "invoice.status": "read, to_check (a person must fill in its fields) or quarantined",
    "invoice.is_credit_note": "Whether it gives money back",
    "invoice.is_duplicate": "Whether the supplier sent another invoice of this number before",
    "invoice.duplicate_text": "That in a sentence; empty where it is none",
    "invoice.quarantine_text": "Why the document was not read; empty where it was",
    "invoice.problem_count": "How many fields could not be read",
    "invoice.problem_text": "The first of them, for messages",
    "invoice.currency": "ISO 4217 code; XXX where it names none",
    "invoice.total.minor": f"What is to be paid, {_MINOR}",
    "invoice.total.currency": "The currency once more, beside the amount",
    "invoice.total.text": "Amount and currency for messages, such as 12.50 EUR",
    "invoice.supplier.name": "The supplier's name",
    "invoice.supplier.vat_id": "The supplier's VAT number; may be empty",
    "invoice.buyer_name": "Whom it is made out to",
    "invoice.iban": "The account to pay to; may be empty",
    "invoice.iban_text": "The same for messages, such as DE79 … 7890",
    "invoice.iban_is_new": "Whether the supplier's accepted invoices all name another account",
    "invoice.issue_date": "ISO 8601; may be empty",
    "invoice.due_date": "ISO 8601; may be empty",
    "invoice.order_reference": "The purchase order that it names; may be empty",
    "invoice.line_count": "How many lines",
    "rules.checked": "Whether the rules of EN 16931 were run; they are not on a plain PDF",
    "rules.errors": "How many of them it breaks",
    "rules.warnings": "How many warnings they gave",
    "rules.text": "The first broken rules, for messages",
    "match.done": "Whether it could be matched: a document that was not read cannot",
    "match.mode": "two_way or three_way",
    "match.line_count": "How many lines were matched",
    "match.held_line_count": "How many of them are not as agreed",
    **{
        name: text
        for code, told in CODES.items()
        for name, text in (
            (f"match.{code}.count", f"How many {told}" if code in LINE_CODES else f"Tells {told}"),
            (f"match.{code}.text", "The same in sentences that name the lines, for messages"),
        )
    },
}
PARAMETERS: dict[str, Parameter] = {
    "matching": Parameter(
        "three_way",
        "three_way: order, goods receipt and invoice. two_way: order and invoice only.",
    ),
    "price_tolerance_percent": Parameter(
        "0",
        'How much more than agreed a line may cost, in percent, as "2.5". With an amount set too, '
        "both limits have to be kept.",
    ),
    "price_tolerance": Parameter(
        None,
        'How much more than agreed a line may cost, as {"minor": 500, "currency": "EUR"}. With a '
        "percentage set too, both limits have to be kept.",
    ),
    "quantity_tolerance_percent": Parameter(
        "0", 'How much more than ordered and received may be invoiced, in percent, as "5".'
    ),
    "approve_above": Parameter(
        None,
        'The highest total that needs no person, as {"minor": 100000, "currency": "EUR"}. Without '
        "it no total is too high.",
    ),
}


def terms_of(parameters: Mapping[str, Any]) -> Terms:
    """What cannot be understood tolerates nothing, and matches three ways."""
    money = parameters.get("price_tolerance")
    amount, currency = ZERO, ""
    if isinstance(money, Mapping) and isinstance(money.get("minor"), int):
        currency = str(money.get("currency", ""))
        amount = money["minor"] / Decimal(Money(Decimal(1), currency).minor)
    return Terms(
        mode="two_way" if parameters.get("matching") == "two_way" else "three_way",
        price_percent=_percent(parameters.get("price_tolerance_percent")),
        price_amount=amount,
        price_currency=currency,
        quantity_percent=_percent(parameters.get("quantity_tolerance_percent")),
    )


def facts_of(invoice: Invoice, match: Match | None, *, iban_is_new: bool = False) -> dict[str, Any]:
    """The invoice as rules see it: whole numbers, texts and truth values only."""
    return {
        "invoice": {**_invoice_facts(invoice), "iban_is_new": iban_is_new},
        "rules": _rule_facts(invoice),
        "match": _match_facts(match),
    }


def _invoice_facts(invoice: Invoice) -> dict[str, Any]:
    total = invoice.total or Money(ZERO, invoice.currency or NO_CURRENCY)
    original = invoice.original
    lines = (invoice.normal or {}).get("lines", ())
    return {
        "number": invoice.number,
        "format": invoice.format,
        "status": invoice.reading_status,
        "is_credit_note": invoice.is_credit_note,
        "is_duplicate": original is not None,
        "duplicate_text": f"{original.number} was received on {original.created_at:%Y-%m-%d}"
        if original
        else "",
        "quarantine_text": invoice.quarantine_reason.rstrip("."),
        "problem_count": len(invoice.problems),
        "problem_text": _shortened([problem["message"] for problem in invoice.problems]),
        "currency": total.currency,
        "total": {
            "minor": max(-_LARGEST_MINOR, min(total.minor, _LARGEST_MINOR)),
            "currency": total.currency,
            "text": money_text(total),
        },
        "supplier": {"name": invoice.supplier_name, "vat_id": invoice.supplier_vat_id},
        "buyer_name": invoice.buyer_name,
        "iban": invoice.iban,
        "iban_text": masked_iban(invoice.iban),
        "issue_date": invoice.issue_date.isoformat() if invoice.issue_date else "",
        "due_date": invoice.due_date.isoformat() if invoice.due_date else "",
        "order_reference": invoice.order_reference,
        "line_count": len(lines),
    }


def amount_text(money: Money) -> str:
    """`1250.00`, or `1250` for JPY: the decimals that the currency has, and no separators."""
    return f"{money.amount:.{get_currency_precision(money.currency)}f}"


def money_text(money: Money) -> str:
    return f"{amount_text(money)} {money.currency}"


def _rule_facts(invoice: Invoice) -> dict[str, Any]:
    broken = [finding for finding in invoice.findings or () if finding["severity"] == "fatal"]
    told = [f"{finding['rule_id']}: {finding['message'].rstrip('.')}" for finding in broken]
    return {
        "checked": bool(invoice.rule_set),
        "errors": invoice.errors,
        "warnings": invoice.warnings,
        "text": _shortened(told),
    }


def _match_facts(match: Match | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "done": match is not None,
        "mode": match.mode if match else "",
        "line_count": len(match.lines) if match else 0,
        "held_line_count": sum(line.verdict == "hold" for line in match.lines) if match else 0,
    }
    for code in CODES:
        messages = match.messages_of(code) if match else []
        facts[code] = {"count": len(messages), "text": _shortened(messages, separator=" ")}
    return facts


def _shortened(texts: list[str], *, separator: str = "; ") -> str:
    more = len(texts) - _SHOWN
    told = separator.join(texts[:_SHOWN])
    if more <= 0:
        return told
    # A rule's message goes on behind what is no sentence by itself, and ends it.
    return told + (f" And {more} more." if told.endswith(".") else f"{separator}and {more} more")


def _percent(value: Any) -> Decimal:
    try:
        return max(parse_amount(str(value or "0").replace(",", ".").rstrip(" %")), ZERO)
    except ValueError:
        return ZERO


def sample() -> dict[str, Any]:
    """Facts of the right form, for trying a rule before it is published."""
    invoice = Invoice(
        number="R-2026-118",
        format=Invoice.Format.UBL,
        normal={"lines": [{}]},
        currency="EUR",
        payable=Decimal("119.00"),
        supplier_name="Sample Ropes GmbH",
        supplier_vat_id="DE123456789",
        buyer_name="Sample Harbour Ltd",
        order_reference="PO-4711",
        rule_set="EN 16931",
        findings=[],
    )
    return facts_of(
        invoice, Match(mode="three_way", currency="EUR", order_numbers=("PO-4711",), lines=())
    )


def register() -> None:
    """Called when the app is ready."""
    register_context(
        CONTEXT,
        fields=FIELDS,
        list_bounds={},
        sample=sample(),
        parameters=PARAMETERS,
        title="Invoice {invoice.number}",
        decided_here=True,
        money=("invoice.total.minor", "invoice.currency"),
    )
