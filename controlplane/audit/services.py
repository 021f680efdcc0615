"""Writing to the chain."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import rfc8785
from django.db import connection, transaction

from controlplane.audit.models import GENESIS, Entry
from controlplane.audit.verification import ChainState, verify_chain
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError

__all__ = [
    "ActionReserved", "ChainState", "DataNotCanonical", "Told", "link_entries", "record",
    "record_from_workflow", "verify_chain",
]  # fmt: skip


class DataNotCanonical(DomainError):
    code = "audit_data_not_canonical"
    status = 422
    title = "The data cannot be kept in the audit trail"


class ActionReserved(DomainError):
    code = "audit_action_reserved"
    status = 422
    title = "Only Pergola records this action"


# What Pergola writes itself: a workflow must not make the trail say that somebody decided.
RESERVED_NOUNS = {
    "api_key",
    "approval",
    "audit",
    "collection",
    "connection",
    "data_keys",
    "document",
    "engagement",
    "exception",
    "goods_receipt",
    "installation",
    "invitation",
    "member",
    "payload",
    "person",
    "policy",
    "purchase_order",
    "release",
    "residency",
    "retention",
    "sandbox",
    "single_sign_on",
    "source",
    "support",
    "template",
    "tenant",
    "ticket",
    "triage",
    "workspace",
}
RESERVED_ACTIONS = {
    "invoice.accepted", "invoice.corrected", "invoice.matched", "invoice.quarantined",
    "invoice.read", "invoice.received", "invoice.rejected", "invoice.validated",
    "order.accepted", "order.rejected", "order.reviewed",
}  # fmt: skip

# One message, two statements: the first has seen what was there before it waited. The table's oid
# is the tenant's own, so tenants do not wait for one another.
WAIT_FOR_HEAD = """
SELECT pg_advisory_xact_lock('audit_entry'::regclass::oid::bigint);
SELECT sequence, hash FROM audit_entry ORDER BY sequence DESC LIMIT 1
"""


def record_from_workflow(
    *, action: str, subject_type: str, subject_id: str, data: dict[str, Any], by: Actor
) -> Entry:
    """An entry that a workflow asks for. Raises ActionReserved, DataNotCanonical."""
    if action in RESERVED_ACTIONS or action.partition(".")[0] in RESERVED_NOUNS:
        raise ActionReserved(
            f"“{action}” is what Pergola itself records. Name what your workflow did, for example "
            "order.exported.",
            errors=(FieldError("action", "is reserved"),),
        )
    return record(action=action, subject_type=subject_type, subject_id=subject_id, data=data, by=by)


def record(
    *, action: str, subject_type: str, subject_id: str, data: dict[str, Any], by: Actor
) -> Entry:
    """Append one entry; `action` is `<noun>.<participle>`, `data` plain JSON.

    Call it last in a transaction: it holds the head of the tenant's chain until the commit.
    Raises DataNotCanonical, before anything is written.
    """
    told = Told(action, subject_type, subject_id, data, by)
    _assert_canonical(told)
    # No savepoint: what the caller did must not stand without its entry.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(WAIT_FOR_HEAD)
        cursor.nextset()
        head = cursor.fetchone()
        after = Entry(sequence=head[0], hash=head[1]) if head else None
        (entry,) = link_entries([told], after=after)
        entry.save(force_insert=True)
    return entry


@dataclass(frozen=True)
class Told:
    """What is to become an entry, before it has its place in a chain."""

    action: str
    subject_type: str
    subject_id: str
    data: dict[str, Any]
    by: Actor


def link_entries(told: Iterable[Told], *, after: Entry | None) -> list[Entry]:
    """Unsaved entries that follow one another, the first of them `after` the chain's head.

    What they tell is canonical: `record` has seen to it.
    """
    entries: list[Entry] = []
    for one in told:
        entry = Entry(
            sequence=after.sequence + 1 if after else 1,
            action=one.action,
            subject_type=one.subject_type,
            subject_id=one.subject_id,
            actor_kind=one.by.kind,
            actor_id=one.by.id,
            actor_label=one.by.label,
            execution_id=one.by.execution.execution_id if one.by.execution else "",
            data=one.data,
            previous_hash=after.hash if after else GENESIS,
        )
        entry.hash = entry.computed_hash()
        entries.append(entry)
        after = entry
    return entries


def _assert_canonical(told: Told) -> None:
    try:
        rfc8785.dumps(told.data)
    except rfc8785.CanonicalizationError as error:
        raise DataNotCanonical(
            "The audit data holds a number that JSON cannot carry exactly (beyond 2^53, or not "
            "finite). Send it as text.",
            errors=(FieldError("data", str(error)),),
        ) from error
