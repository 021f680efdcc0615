"""How long n8n keeps the executions of a tenant's workflows, with the data that ran through."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from controlplane.instances.client import N8nClient
from controlplane.instances.client.executions import Execution
from controlplane.instances.models import Workspace
from controlplane.instances.services.workspaces import client_for
from tenants.retention.classes import DataClass, register_class

BATCH = 100
# n8n's list has no end of its own here; it is read by pages.
MOST_LISTED = 50_000


def register() -> None:
    register_class(
        DataClass(
            "executions",
            _("n8n's executions"),
            _("What ran in n8n, with the data of each step. Runs that wait or go on stay."),
            [ExecutionStore()],
        )
    )


class ExecutionStore:
    """n8n itself is asked, before and after: what it still lists is still there."""

    def count(self, cutoff: datetime) -> int:
        return sum(1 for _n8n, _old in self._old(cutoff))

    def remove_batch(self, cutoff: datetime) -> int:
        removed = 0
        for n8n, execution in self._old(cutoff):
            n8n.delete_execution(execution.id)
            removed += 1
            if removed == BATCH:
                break
        return removed

    def _old(self, cutoff: datetime) -> Iterator[tuple[N8nClient, Execution]]:
        workspace = Workspace.objects.first()
        if workspace is None or not workspace.is_ready:
            return
        with client_for(workspace) as n8n:
            for workflow_id in _workflows(n8n, workspace):
                for execution in n8n.list_executions(workflow_id=workflow_id, limit=MOST_LISTED):
                    if _is_old(execution, cutoff):
                        yield n8n, execution


def _workflows(n8n: N8nClient, workspace: Workspace) -> list[str]:
    """A member's key sees what is its own; another's sees all, so the tag says what is ours."""
    found = n8n.list_workflows() if workspace.is_member else n8n.list_workflows(tag=workspace.tag)
    return [workflow.id for workflow in found]


def _is_old(execution: Execution, cutoff: datetime) -> bool:
    ended_at = execution.stopped_at or execution.started_at
    return execution.has_ended and ended_at is not None and ended_at < cutoff
