"""What an installation did lately: n8n's executions, with the events that started them."""

from dataclasses import dataclass
from datetime import datetime

from controlplane.catalog.models import Installation
from controlplane.events.models import Event
from controlplane.instances.client.executions import ExecutionStatus
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for


@dataclass(frozen=True)
class Run:
    """`subject` and `event_id` are empty for a run that no event of ours started."""

    execution_id: str
    status: ExecutionStatus
    started_at: datetime | None
    stopped_at: datetime | None
    subject: str
    event_id: str


def last_runs(installation: Installation, *, limit: int = 10) -> list[Run]:
    """Newest first; a run that waits for a person is among them. Raises InstanceError."""
    if not installation.workflow_id:
        return []
    with client_for(Workspace.current(), tries=1) as n8n:
        found = n8n.list_executions(workflow_id=installation.workflow_id, limit=limit)
    events = {
        event.execution_id: event
        for event in Event.objects.filter(
            workflow_id=installation.workflow_id, execution_id__in=[run.id for run in found]
        )
    }
    return [
        Run(
            execution_id=run.id,
            status=run.status,
            started_at=run.started_at,
            stopped_at=run.stopped_at,
            subject=events[run.id].subject if run.id in events else "",
            event_id=str(events[run.id].pk) if run.id in events else "",
        )
        for run in found
    ]
