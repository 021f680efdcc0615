"""A decision as something to approve: what an AI agent wants to do, a customer, whatever was held.

Orders, invoices and tickets are put to people by themselves, with more to look at.
"""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision

from controlplane.approvals.models import Approval
from controlplane.approvals.requesters import members_among
from controlplane.approvals.subjects import Subject, SubjectUnknown, register_subject
from controlplane.core.actor import Actor
from controlplane.core.errors import FieldError
from controlplane.core.money import Money, is_currency
from controlplane.policies.contexts import Context, amount_in, get_context, value_at
from controlplane.policies.messages import fill_message
from controlplane.policies.models import Decision
from controlplane.policies.services import overriders_of, record_decision_outcome
from controlplane.policies.verdicts import Verdict

SUBJECT = "decision"
_ON_BEHALF = "agent.on_behalf_of"
_SHOWN, _LONGEST = 40, 400


def register() -> None:
    register_subject(SUBJECT, describe_decision, ended=note_ended)


def describe_decision(decision_id: uuid.UUID) -> Subject:
    """Raises SubjectUnknown. For whom an agent acts does not let it act."""
    decision = Decision.objects.filter(pk=decision_id).first()
    if decision is None:
        raise SubjectUnknown(
            f"This tenant has no decision {decision_id}. Pass on the decision_id of Evaluate "
            "policies.",
            errors=(FieldError("subject_id", "names no decision"),),
        )
    context, facts = get_context(decision.context), decision.input or {}
    asks_for = value_at(facts, _ON_BEHALF)
    return Subject(
        kind=SUBJECT,
        id=decision.pk,
        title=fill_message(context.title or context.name, facts)[:200],
        summary=_summary(context, facts),
        reasons=decision.reasons,
        amount=_money(context, facts),
        verdict=decision.verdict,
        blocked=_blocked(decision),
        caused_by=(
            *overriders_of(decision.pk),
            *members_among([asks_for] if isinstance(asks_for, str) else []),
            *(context.caused_by(decision.subject_id) if context.caused_by else ()),
        ),
    )


def note_ended(approval: Approval, by: Actor) -> None:
    """What people said is what became of it."""
    record_decision_outcome(
        decision_id=approval.subject_id, outcome=approval.status, note=approval.comment, by=by
    )


def _blocked(decision: Decision) -> str:
    last = decision.entries.filter(kind="override").order_by("-id").first()
    if (last.value if last else decision.verdict) != Verdict.REJECT:
        return ""
    return (
        "The policies reject this, which no approval overrules. Reject it here, or override the "
        "decision on its page and say why."
    )


def _money(context: Context, facts: Mapping[str, Any]) -> Money | None:
    minor, currency = amount_in(context, facts)
    if not minor or not is_currency(currency):
        return None
    return Money(Decimal(minor).scaleb(-get_currency_precision(currency)), currency)


def _summary(context: Context, facts: Mapping[str, Any]) -> str:
    """What the rules looked at: a line of text each, without what is empty."""
    paths = [path for path in context.fields if path not in context.list_bounds]
    told = []
    for path in paths:
        value = value_at(facts, path)
        if path in context.open_records and isinstance(value, Mapping):
            told += [f"{path}.{name}: {_text(inner)}" for name, inner in value.items()]
        elif isinstance(value, str | int) and value != "":
            told.append(f"{path}: {_text(value)}")
    more = len(told) - _SHOWN
    return "\n".join([*told[:_SHOWN], *([f"and {more} more values"] if more > 0 else [])])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:_LONGEST]
