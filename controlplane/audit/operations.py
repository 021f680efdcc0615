"""Node operations on the audit trail."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from controlplane.audit import services
from controlplane.audit.models import Entry
from controlplane.audit.search import Wanted, page_of
from controlplane.audit.verification import verify_chain
from controlplane.core.actor import Actor
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation


class RecordInput(OperationInput):
    action: str = Field(
        description="What was done, as noun and participle, for example order.exported",
        pattern=r"^[a-z_]+\.[a-z_]+$",
        max_length=60,
    )
    subject_type: str = Field(
        description="The kind of thing it was done to, for example order",
        pattern=r"^[a-z_]+$",
        max_length=40,
    )
    subject_id: str = Field(description="Which one: its ID", min_length=1, max_length=120)
    data: dict[str, Any] = Field(
        default_factory=dict, description="Further facts to keep, as a JSON object"
    )


class RecordOutput(OperationOutput):
    audit_sequence: int = Field(description="The entry's number in the tenant's chain")
    hash: str = Field(description="The entry's SHA-256, which the next entry builds on")
    recorded_at: datetime = Field(description="When it was recorded")


@operation(
    resource="audit",
    name="record",
    action="Record an audit entry",
    scope="audit:record",
    errors=(services.ActionReserved, services.DataNotCanonical),
)
def record(data: RecordInput, *, by: Actor) -> RecordOutput:
    """Add an entry to the tenant's audit trail, which nobody can change or delete."""
    entry = services.record_from_workflow(
        action=data.action,
        subject_type=data.subject_type,
        subject_id=data.subject_id,
        data=data.data,
        by=by,
    )
    return RecordOutput(audit_sequence=entry.sequence, hash=entry.hash, recorded_at=entry.at)


class AuditListInput(OperationInput):
    action: str = Field(
        default="",
        description="Only these: a whole action such as order.accepted, or its noun, order",
        max_length=60,
    )
    subject_type: str = Field(
        default="", description="Only what was done to this kind of thing", max_length=40
    )
    subject_id: str = Field(default="", description="Only what was done to this", max_length=120)
    actor: str = Field(
        default="", description="Only by these: an ID, or a part of the name", max_length=200
    )
    since: datetime | None = Field(default=None, description="From this time on")
    until: datetime | None = Field(default=None, description="Before this time")
    after: int = Field(
        default=0, ge=0, le=2**53, description="The next_after of the page before; 0 for the first"
    )
    limit: int = Field(default=50, ge=1, le=200, description="Max number of results to return")

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, when: datetime | None) -> datetime | None:
        """PostgreSQL takes offsets up to 15:59 only. Without an offset it is UTC."""
        if when is None:
            return None
        try:
            return when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
        except OverflowError:
            raise ValueError("is no time that UTC has") from None


class AuditEntryOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    sequence: int = Field(description="The entry's number in the chain")
    at: datetime = Field(description="When it was recorded")
    action: str = Field(description="What was done")
    subject_type: str = Field(description="The kind of thing it was done to")
    subject_id: str = Field(description="Which one")
    actor_kind: str = Field(description="Who did it: member, machine or system")
    actor_id: str = Field(description="The actor's ID")
    actor_label: str = Field(description="The actor's name")
    execution_id: str = Field(description="The n8n execution on whose behalf; empty for none")
    data: dict[str, Any] = Field(description="Further facts, such as before and after")
    hash: str = Field(description="The entry's SHA-256, which the next entry builds on")

    @classmethod
    def of(cls, entry: Entry) -> "AuditEntryOutput":
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class AuditListOutput(OperationOutput):
    entries: list[AuditEntryOutput] = Field(description="The oldest first")
    next_after: int | None = Field(description="Send as after for the next page; empty at the end")


@operation(
    resource="audit",
    name="list",
    action="List audit entries",
    scope="audit:read",
    read_only=True,
    rows="entries",
    pages="next_after",
    simplified=("sequence", "at", "action", "subject_type", "subject_id", "actor_label", "data"),
)
def list_entries(data: AuditListInput, *, by: Actor) -> AuditListOutput:
    """Find entries of the tenant's audit trail by action, subject, actor and time."""
    wanted = Wanted(**data.model_dump(exclude={"after", "limit"}))
    entries, next_after = page_of(wanted, after=data.after, limit=data.limit)
    return AuditListOutput(
        entries=[AuditEntryOutput.of(entry) for entry in entries], next_after=next_after
    )


class VerifyInput(OperationInput):
    pass


class VerifyOutput(OperationOutput):
    holds: bool = Field(description="Whether every entry is as it was written and signed")
    entries: int = Field(description="How many entries hold, from the first on")
    last: int = Field(description="The number of the last entry that holds")
    head: str = Field(description="The SHA-256 of that entry")
    checkpoints: int = Field(description="How many signed checkpoints hold")
    broken_at: int | None = Field(description="The number of the first bad entry; empty for none")
    reason: str = Field(description="What is wrong there; empty where nothing is")


@operation(
    resource="audit",
    name="verify",
    action="Verify the audit trail",
    scope="audit:read",
    read_only=True,
)
def verify(data: VerifyInput, *, by: Actor) -> VerifyOutput:
    """Walk the tenant's chain from its first entry, beside its signed checkpoints."""
    state = verify_chain()
    return VerifyOutput(
        holds=state.broken_at is None,
        entries=state.entries,
        last=state.last,
        head=state.head,
        checkpoints=state.checkpoints,
        broken_at=state.broken_at,
        reason=state.reason,
    )
