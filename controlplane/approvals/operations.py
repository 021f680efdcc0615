"""Node operations on approvals. `request` is what the node's Request and Wait calls."""

import uuid
from datetime import datetime, timedelta
from typing import Literal, cast

from pydantic import Field

from controlplane.approvals import services, thread
from controlplane.approvals.links import portal_link
from controlplane.approvals.machine import agreed
from controlplane.approvals.models import Approval
from controlplane.approvals.queries import page_of_approvals
from controlplane.approvals.requesters import RequesterUnknown, requesters_named
from controlplane.approvals.rows import state_of
from controlplane.approvals.subjects import SubjectUnknown
from controlplane.core.actor import Actor
from controlplane.core.keyset import PageUnknown
from controlplane.instances.addresses import ForeignUrl
from controlplane.instances.models import NoWorkspace
from controlplane.nodes.declaration import (
    OperationFile,
    OperationInput,
    OperationOutput,
    operation,
)
from tenants.files import FileTooLarge

_SHORT = (
    "approval_id", "status", "subject_type", "subject_id", "comment", "decided_by", "expires_at",
    "url",
)  # fmt: skip
Status = Literal["pending", "approved", "rejected", "expired", "cancelled"]


class RequestInput(OperationInput):
    subject_type: str = Field(
        default="order",
        description="The kind of thing to decide on: order, invoice, ticket or decision",
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
    requested_by: str = Field(
        default="",
        description="The member because of whom it is asked, by e-mail address or ID. Who asks "
        "does not decide, nor does anybody in their name. Empty: a machine asks",
        max_length=254,
        json_schema_extra={"n8n": {"choices": "members"}},
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


class ApprovalListInput(OperationInput):
    status: Literal["any", "pending", "approved", "rejected", "expired", "cancelled"] = Field(
        default="pending",
        description="Only those in this state",
        json_schema_extra={"n8n": {"shown": True}},
    )
    subject_type: str = Field(
        default="",
        description="Only those on this kind of thing, such as order; empty: on any",
        pattern=r"^[a-z_]*$",
        max_length=40,
    )
    subject_id: str = Field(
        default="",
        description="Only those on this one thing, by its ID; empty: on any",
        pattern=r"^$|^[0-9a-fA-F-]{32,36}$",
        max_length=36,
        json_schema_extra={"n8n": {"label": "Subject ID"}},
    )
    group: str = Field(
        default="",
        description="Only those that ask this group of approvers at one of their steps, by its "
        "short name; empty: whomever they ask",
        pattern=r"^[a-z0-9-]*$",
        max_length=40,
        json_schema_extra={"n8n": {"choices": "approver_groups"}},
    )
    route: str = Field(
        default="",
        description="Only those that go by this route, by its ID; empty: by any or none",
        pattern=r"^$|^[0-9a-fA-F-]{32,36}$",
        max_length=36,
        json_schema_extra={"n8n": {"choices": "approval_routes"}},
    )
    limit: int = Field(default=50, ge=1, le=200, description="Max number of results to return")
    after: str = Field(
        default="",
        description="The next_page of the call before, to go on there; empty: from the newest",
        pattern=r"^$|^[0-9a-fA-F-]{32,36}$",
        max_length=36,
    )


class CommentInput(OperationInput):
    approval_id: uuid.UUID = Field(
        description="The ID that Request and Wait returned",
        json_schema_extra={"n8n": {"label": "Approval ID", "default": "={{ $json.approval_id }}"}},
    )
    text: str = Field(
        description="What those who decide should know, added to the thread",
        min_length=1,
        max_length=thread.LONGEST_COMMENT,
        json_schema_extra={"n8n": {"multiline": True}},
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
    step: int = Field(description="Which step of its terms is asked, from 1")
    agreed: int = Field(description="How many have agreed who count towards that step")
    quorum: int = Field(description="How many have to agree at that step")


class ApprovalListOutput(OperationOutput):
    approvals: list[ApprovalOutput] = Field(description="The newest first")
    next_page: str = Field(description="Pass it on as after for more; empty where there are none")


class CommentOutput(OperationOutput):
    comment_id: uuid.UUID = Field(description="The comment's ID")
    approval_id: uuid.UUID = Field(description="The approval that it stands with")
    written_at: datetime = Field(description="When it was written")


def _output(approval: Approval) -> ApprovalOutput:
    state = state_of(approval)
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
        step=state.step + 1,
        agreed=len(agreed(state, state.step)),
        quorum=state.terms.steps[state.step].quorum,
    )


class AttachInput(OperationInput):
    approval_id: uuid.UUID = Field(
        description="The ID that Request and Wait returned",
        json_schema_extra={"n8n": {"label": "Approval ID", "default": "={{ $json.approval_id }}"}},
    )


class AttachOutput(OperationOutput):
    attachment_id: uuid.UUID = Field(description="The attachment's ID")
    approval_id: uuid.UUID = Field(description="The approval that it stands with")
    filename: str = Field(description="What the file is called there")
    size: int = Field(description="Its size in bytes")


@operation(
    resource="approval",
    name="request",
    title="Request and Wait",
    action="Request an approval and wait for it",
    scope="approvals:request",
    errors=(SubjectUnknown, RequesterUnknown, ForeignUrl, NoWorkspace),
    waits=True,
    asks_people=True,
)
def request(data: RequestInput, *, by: Actor) -> ApprovalOutput:
    """Ask a person to decide, and continue when they have."""
    requested_by = requesters_named(data.requested_by)
    return _output(
        services.request_approval(
            subject_type=data.subject_type,
            subject_id=data.subject_id,
            note=data.note,
            expires_in=timedelta(hours=data.expires_in_hours),
            resume_url=data.resume_url,
            requested_by=requested_by,
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


@operation(
    resource="approval",
    name="list",
    action="List approvals",
    scope="approvals:read",
    errors=(PageUnknown,),
    read_only=True,
    rows="approvals",
    pages="next_page",
    simplified=_SHORT,
)
def list_approvals(data: ApprovalListInput, *, by: Actor) -> ApprovalListOutput:
    """List approvals, the newest first, a page at a time."""
    found, next_page = page_of_approvals(
        status="" if data.status == "any" else data.status,
        subject_type=data.subject_type,
        subject_id=data.subject_id,
        group=data.group,
        route=data.route,
        limit=data.limit,
        after=data.after,
    )
    return ApprovalListOutput(approvals=[_output(each) for each in found], next_page=next_page)


@operation(
    resource="approval",
    name="comment",
    action="Comment on an approval",
    scope="approvals:request",
    errors=(services.ApprovalUnknown, thread.CommentInvalid),
)
def comment(data: CommentInput, *, by: Actor) -> CommentOutput:
    """Add a comment to the thread of an approval, whether it waits or has ended."""
    made = thread.comment_on(approval_id=data.approval_id, text=data.text, by=by)
    return CommentOutput(
        comment_id=made.pk, approval_id=made.approval_id, written_at=made.written_at
    )


@operation(
    resource="approval",
    name="attach",
    action="Attach a file to an approval",
    scope="approvals:request",
    errors=(services.ApprovalUnknown, thread.AttachmentRefused, FileTooLarge),
    slow=True,
)
def attach(data: AttachInput, *, by: Actor, file: OperationFile) -> AttachOutput:
    """Put a file beside an approval, for whoever decides; the same one again is there once."""
    made = thread.attach(
        approval_id=data.approval_id, chunks=file.chunks(), filename=file.name, by=by
    )
    return AttachOutput(
        attachment_id=made.pk,
        approval_id=made.approval_id,
        filename=made.filename,
        size=made.size,
    )
