"""Node operations on exceptions: what went wrong, whose it is, what became of it."""

import uuid
from typing import Any, Literal

from pydantic import Field

from controlplane.core.actor import Actor
from controlplane.core.keyset import LONGEST, PageUnknown, page_after
from controlplane.events import services
from controlplane.events.exceptions import handling
from controlplane.events.exceptions.assignees import AssigneeUnknown, assignee_named
from controlplane.events.exceptions.opening import open_case
from controlplane.events.models import ExceptionCase
from controlplane.events.operation_rows import ExceptionOutput, shown_case
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation

Failures = Literal[
    "connection", "timeout", "rate_limit", "rejected", "policy", "missing_data", "duplicate",
    "parse", "vanished_run",
]  # fmt: skip


_SHORT = (
    "exception_id", "type", "status", "summary", "subject", "event_id", "assignee", "due_at",
    "is_overdue",
)  # fmt: skip


def _exception_id() -> Any:
    return Field(
        description="The exception, from Open or List",
        json_schema_extra={
            "n8n": {"label": "Exception ID", "default": "={{ $json.exception_id }}"}
        },
    )


class OpenExceptionInput(OperationInput):
    type: Failures = Field(default="missing_data", description="What sort of failure it is")
    summary: str = Field(
        description="What went wrong, in a few words", min_length=1, max_length=300
    )
    detail: str = Field(
        default="",
        description="What whoever handles it should know",
        max_length=10_000,
        json_schema_extra={"n8n": {"multiline": True}},
    )
    event_id: uuid.UUID | None = Field(
        default=None,
        description="The event that it is about; it is sent again on a retry",
        json_schema_extra={"n8n": {"label": "Event ID"}},
    )
    subject: str = Field(
        default="", description="What it is about, where that is no event", max_length=200
    )


class GetExceptionInput(OperationInput):
    exception_id: uuid.UUID = _exception_id()


class ListExceptionsInput(OperationInput):
    status: Literal["unresolved", "open", "retrying", "resolved", "all"] = Field(
        default="unresolved", description="Only those in this state"
    )
    type: Literal["", "connection", "timeout", "rate_limit", "rejected", "policy", "missing_data",
                  "duplicate", "parse", "vanished_run"] = Field(
        default="", description="Only those of this type; empty for every"
    )  # fmt: skip
    overdue: bool = Field(default=False, description="Whether to return only overdue ones")
    limit: int = Field(default=50, ge=1, description="Max number of results to return")
    after: str = Field(
        default="",
        description="The next_page of the call before, to go on there; empty: from the start",
        max_length=LONGEST,
    )


class ListExceptionsOutput(OperationOutput):
    exceptions: list[ExceptionOutput] = Field(description="The soonest due first")
    next_page: str = Field(description="Pass it on as after for more; empty where there are none")


class AssignExceptionInput(OperationInput):
    exception_id: uuid.UUID = _exception_id()
    assignee: str = Field(
        default="",
        description="The member, by e-mail address, ID or full name, who finds it among their own; "
        "or a team by its name. Empty for nobody",
        max_length=200,
        json_schema_extra={"n8n": {"choices": "members"}},
    )


class CommentExceptionInput(OperationInput):
    exception_id: uuid.UUID = _exception_id()
    text: str = Field(
        description="What to say",
        min_length=1,
        max_length=4000,
        json_schema_extra={"n8n": {"multiline": True}},
    )


class ResolveExceptionInput(OperationInput):
    exception_id: uuid.UUID = _exception_id()
    resolution: Literal["by_hand", "dismissed"] = Field(
        default="by_hand", description="What became of it"
    )
    text: str = Field(
        default="",
        description="How it was handled",
        max_length=2000,
        json_schema_extra={"n8n": {"multiline": True}},
    )


class RetryExceptionInput(OperationInput):
    exception_id: uuid.UUID = _exception_id()


@operation(
    resource="exception",
    name="open",
    action="Open an exception",
    scope="exceptions:open",
    errors=(services.EventUnknown,),
    simplified=_SHORT,
)
def open_exception(data: OpenExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Say that something went wrong, so that it has an owner and a clock."""
    event = services.get_event(data.event_id) if data.event_id else None
    execution = by.execution
    what = f"event:{event.pk}" if event else f"subject:{data.subject}:{data.summary}"[:150]
    case = open_case(
        type=data.type,
        fingerprint=f"workflow:{by.installation_id or by.id}:{data.type}:{what}"[:200],
        event=event,
        subject=data.subject,
        summary=data.summary,
        detail=data.detail,
        workflow_id=execution.workflow_id if execution else "",
        execution_id=execution.execution_id if execution else "",
        by=by,
    )
    return ExceptionOutput.model_validate(shown_case(case))


@operation(
    resource="exception",
    name="get",
    action="Get an exception",
    scope="exceptions:read",
    read_only=True,
    errors=(handling.ExceptionUnknown,),
    simplified=_SHORT,
)
def get_exception(data: GetExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Read an exception: what it is, whose it is and by when."""
    return ExceptionOutput.model_validate(shown_case(handling.get_case(data.exception_id)))


@operation(
    resource="exception",
    name="list",
    action="List exceptions",
    scope="exceptions:read",
    read_only=True,
    rows="exceptions",
    pages="next_page",
    errors=(PageUnknown,),
    simplified=_SHORT,
)
def list_exceptions(data: ListExceptionsInput, *, by: Actor) -> ListExceptionsOutput:
    """Find exceptions by state and type, the soonest due first."""
    found = ExceptionCase.objects.select_related("event").defer("body", "headers")
    if data.status == "unresolved":
        found = found.unresolved()
    elif data.status != "all":
        found = found.filter(status=data.status)
    found = found.filter(type=data.type) if data.type else found
    found = found.overdue() if data.overdue else found
    rows, next_page = page_after(found, by="due_at", after=data.after, limit=min(data.limit, 500))
    return ListExceptionsOutput.model_validate(
        {"exceptions": [shown_case(one) for one in rows], "next_page": next_page}
    )


@operation(
    resource="exception",
    name="assign",
    action="Assign an exception",
    scope="exceptions:handle",
    errors=(handling.ExceptionUnknown, handling.ExceptionResolved, AssigneeUnknown),
    simplified=_SHORT,
)
def assign_exception(data: AssignExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Give an exception to somebody."""
    case = handling.get_case(data.exception_id)
    to = assignee_named(data.assignee)
    done = handling.assign(case=case, assignee_id=to.id, assignee=to.name, by=by)
    return ExceptionOutput.model_validate(shown_case(done))


@operation(
    resource="exception",
    name="comment",
    action="Comment on an exception",
    scope="exceptions:handle",
    errors=(handling.ExceptionUnknown,),
    simplified=_SHORT,
)
def comment_exception(data: CommentExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Add to an exception's story."""
    case = handling.get_case(data.exception_id)
    return ExceptionOutput.model_validate(
        shown_case(handling.comment(case=case, text=data.text, by=by))
    )


@operation(
    resource="exception",
    name="resolve",
    action="Resolve an exception",
    scope="exceptions:handle",
    errors=(handling.ExceptionUnknown, handling.ExceptionResolved),
    simplified=_SHORT,
)
def resolve_exception(data: ResolveExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Close an exception that was handled, or that needs nothing."""
    case = handling.get_case(data.exception_id)
    done = handling.resolve(case=case, resolution=data.resolution, text=data.text, by=by)
    return ExceptionOutput.model_validate(shown_case(done))


@operation(
    resource="exception",
    name="retry",
    action="Retry an exception",
    scope="exceptions:handle",
    errors=(
        handling.ExceptionUnknown,
        handling.ExceptionResolved,
        handling.NothingToRetry,
    ),
    simplified=_SHORT,
)
def retry_exception(data: RetryExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Send the event of an exception to its workflow once more."""
    case = handling.get_case(data.exception_id)
    return ExceptionOutput.model_validate(shown_case(handling.retry(case=case, by=by)))
