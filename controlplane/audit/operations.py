"""Node operations on the audit trail."""

from datetime import datetime
from typing import Any

from pydantic import Field

from controlplane.audit import services
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
