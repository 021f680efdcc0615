"""Node operations on what is installed: for workflows that watch over others."""

import uuid
from datetime import datetime
from typing import Literal, cast

from pydantic import Field

from controlplane.catalog.models import Installation
from controlplane.core.actor import Actor
from controlplane.core.keyset import LONGEST, PageUnknown, page_after
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation

Status = Literal["pending", "deploying", "active", "failed", "removed"]
_SHORT = ("installation_id", "template", "title", "version", "status", "last_error")


class InstallationListInput(OperationInput):
    template: str = Field(
        default="",
        description="Only that of the template with this short name; empty: of every one",
        max_length=60,
        json_schema_extra={"n8n": {"choices": "templates", "shown": True}},
    )
    status: Literal["present", "pending", "deploying", "active", "failed", "removed"] = Field(
        default="present",
        description="Only those in this state; present are all that were not removed",
    )
    limit: int = Field(default=50, ge=1, le=200, description="Max number of results to return")
    after: str = Field(
        default="",
        description="The next_page of the call before, to go on there; empty: from the newest",
        max_length=LONGEST,
    )


class InstallationOutput(OperationOutput):
    installation_id: uuid.UUID = Field(description="The installation's ID")
    template: str = Field(description="Short name of its template")
    title: str = Field(description="What the template is called")
    version: str = Field(description="Its release")
    status: Status = Field(description="How it stands")
    last_error: str = Field(description="Why it could not be set up; empty where it could")
    workflow_id: str = Field(description="The workflow's ID in n8n; empty before it is there")
    workflow_name: str = Field(description="What n8n calls it")
    installed_at: datetime = Field(description="When it was asked for")
    installed_by: str = Field(description="By whom")


class InstallationListOutput(OperationOutput):
    installations: list[InstallationOutput] = Field(description="The newest first")
    next_page: str = Field(description="Pass it on as after for more; empty where there are none")


@operation(
    resource="installation",
    name="list",
    action="List installations",
    scope="installations:read",
    errors=(PageUnknown,),
    read_only=True,
    rows="installations",
    pages="next_page",
    simplified=_SHORT,
)
def list_installations(data: InstallationListInput, *, by: Actor) -> InstallationListOutput:
    """List what is installed in n8n, the newest first, a page at a time."""
    rows = Installation.objects.all()
    rows = rows.present() if data.status == "present" else rows.filter(status=data.status)
    if data.template:
        rows = rows.filter(template_slug=data.template)
    found, next_page = page_after(rows, by="-installed_at", after=data.after, limit=data.limit)
    return InstallationListOutput(
        installations=[_output(each) for each in found], next_page=next_page
    )


def _output(row: Installation) -> InstallationOutput:
    return InstallationOutput(
        installation_id=row.pk,
        template=row.template_slug,
        title=row.template_title,
        version=row.release_version,
        status=cast("Status", row.status),
        last_error=row.last_error,
        workflow_id=row.workflow_id,
        workflow_name=row.workflow_name,
        installed_at=row.installed_at,
        installed_by=row.installed_by,
    )
