"""Node operations on approvals. `request` is what the node's Request and Wait calls."""

import uuid
from datetime import datetime, timedelta
from typing import Literal, cast

from pydantic import Field

from controlplane.approvals import services
from controlplane.approvals.links import portal_link
from controlplane.approvals.models import Approval
from controlplane.approvals.subjects import SubjectUnknown
from controlplane.core.actor import Actor
from controlplane.instances.addresses import ForeignUrl
from controlplane.instances.models import NoWorkspace
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation

Status = Literal["pending", "approved", "rejected", "expired", "cancelled"]


class RequestInput(OperationInput):
    subject_type: str = Field(
        default="order",
        description="The kind of thing to decide on: order, invoice or ticket",
        pattern=r"^[a-z_]+$",
        max_length=40,
        json_schema_extra={"n8n": {"shown": True}},
    )
    subject_id: uuid.UUID = Field(
        description="Which one: the ID that an earlier Pergola node returned, such as order_id",
        json_schema_extra={"n8n": {"label": "Subject ID", "default": "={{ $json.order_id }}"}},
    )
    note: str = Field(
        default="",
        description="What the person who decides should know besides the order and the reasons",
        max_length=2000,
        json_schema_extra={"n8n": {"multiline": True}},
    )
    expires_in_hours: int = Field(
        default=72,
        description="After how many hours the request ends unanswered, as expired",
        ge=1,
        le=8760,
    )
    resume_url: str = Field(
        default="",
        description="Where the waiting execution is resumed; the node fills it in",
        max_length=2000,
        json_schema_extra={"n8n": {"hidden": True}},
    )


class GetInput(OperationInput):
    approval_id: uuid.UUID = Field(
        description="The ID that Request and Wait returned",
        json_schema_extra={"n8n": {"label": "Approval ID", "default": "={{ $json.approval_id }}"}},
    )


class ApprovalOutput(OperationOutput):
    approval_id: uuid.UUID = Field(description="The approval's ID")
    status: Status = Field(description="Where it stands")
    subject_type: str = Field(description="The kind of thing that is decided on")
    subject_id: uuid.UUID = Field(description="Which one")
    comment: str = Field(description="What the person who decided wrote")
    decided_by: str = Field(description="Who decided; empty while it waits")
    decided_at: datetime | None = Field(description="When it ended; empty while it waits")
    expires_at: datetime = Field(description="When it ends unanswered")
    url: str = Field(description="Its page in the portal")


def _output(approval: Approval) -> ApprovalOutput:
    return ApprovalOutput(
        approval_id=approval.pk,
        status=cast("Status", approval.status),
        subject_type=approval.subject_type,
        subject_id=approval.subject_id,
        comment=approval.comment,
        decided_by=approval.decided_by,
        decided_at=approval.decided_at,
        expires_at=approval.expires_at,
        url=portal_link(approval),
    )


@operation(
    resource="approval",
    name="request",
    title="Request and Wait",
    action="Request an approval and wait for it",
    scope="approvals:request",
    errors=(SubjectUnknown, ForeignUrl, NoWorkspace),
    waits=True,
)
def request(data: RequestInput, *, by: Actor) -> ApprovalOutput:
    """Ask a person to decide, and continue when they have."""
    return _output(
        services.request_approval(
            subject_type=data.subject_type,
            subject_id=data.subject_id,
            note=data.note,
            expires_in=timedelta(hours=data.expires_in_hours),
            resume_url=data.resume_url,
            by=by,
        )
    )


@operation(
    resource="approval",
    name="get",
    action="Get an approval",
    scope="approvals:read",
    errors=(services.ApprovalUnknown,),
    read_only=True,
)
def get(data: GetInput, *, by: Actor) -> ApprovalOutput:
    """Get where an approval stands, and who decided what."""
    return _output(services.get_approval(data.approval_id))
