"""Writing to the chain."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import rfc8785
from django.db import connection, transaction
from psycopg.types.json import Jsonb

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

# What of an entry's canonical JSON says where in the chain it stands.
PLACE = rfc8785.dumps({"previous_hash": GENESIS, "sequence": 0})[1:-1]

# One message, two statements: the second has seen what was there after it waited. The table's oid
# is the tenant's own, so tenants do not wait for one another. PostgreSQL computes the hash from the
# head that it finds: others wait for this message and the commit, and not for Python between them.
APPEND = """
SELECT pg_advisory_xact_lock('audit_entry'::regclass::oid::bigint);
INSERT INTO audit_entry (sequence, at, action, subject_type, subject_id, actor_kind, actor_id,
    actor_label, execution_id, data, previous_hash, hash)
SELECT head.sequence + 1, %s, %s, %s, %s, %s, %s, %s, %s, %s, head.hash, encode(sha256(convert_to(
    %s || '"previous_hash":"' || head.hash || '","sequence":' || (head.sequence + 1) || %s, 'UTF8'
)), 'hex')
FROM (
    (SELECT sequence, hash FROM audit_entry ORDER BY sequence DESC LIMIT 1)
    UNION ALL SELECT 0, %s ORDER BY sequence DESC LIMIT 1
) head
RETURNING sequence, previous_hash, hash
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
    entry = _entry(told := Told(action, subject_type, subject_id, data, by))
    before, after = _around_its_place(entry, told)
    values: list[Any] = [
        entry.at, entry.action, entry.subject_type, entry.subject_id, entry.actor_kind,
        entry.actor_id, entry.actor_label, entry.execution_id, Jsonb(data), before, after, GENESIS,
    ]  # fmt: skip
    # No savepoint: what the caller did must not stand without its entry.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(APPEND, values)
        cursor.nextset()
        entry.sequence, entry.previous_hash, entry.hash = cursor.fetchone()
    entry._state.adding, entry._state.db = False, connection.alias
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
        entry = _entry(one)
        entry.sequence = after.sequence + 1 if after else 1
        entry.previous_hash = after.hash if after else GENESIS
        entry.hash = entry.computed_hash()
        entries.append(entry)
        after = entry
    return entries


def _entry(told: Told) -> Entry:
    """In no place yet, which reads as the one before the first."""
    return Entry(
        sequence=0,
        action=told.action,
        subject_type=told.subject_type,
        subject_id=told.subject_id,
        actor_kind=str(told.by.kind),
        actor_id=told.by.id,
        actor_label=told.by.label,
        execution_id=told.by.execution.execution_id if told.by.execution else "",
        data=told.data,
        previous_hash=GENESIS,
    )


def _around_its_place(entry: Entry, told: Told) -> tuple[str, str]:
    """The canonical JSON of its content, cut where its place in the chain belongs.

    Raises DataNotCanonical.
    """
    try:
        content = rfc8785.dumps(entry.content())
    except rfc8785.CanonicalizationError:
        _assert_canonical(told)
        raise
    # The last one: what follows are texts, in which quotation marks are escaped.
    before, found, after = content.rpartition(PLACE)
    assert found
    return before.decode(), after.decode()


def _assert_canonical(told: Told) -> None:
    try:
        rfc8785.dumps(told.data)
    except rfc8785.CanonicalizationError as error:
        raise DataNotCanonical(
            "The audit data holds a number that JSON cannot carry exactly (beyond 2^53, or not "
            "finite). Send it as text.",
            errors=(FieldError("data", str(error)),),
        ) from error
