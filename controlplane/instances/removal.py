"""What a leaving tenant has in n8n: read there by the public API, removed, and read again.

On an n8n of ours that is everything in its member's project, by whomever it was made. On one that
was brought it is what carries the tenant's tag, and the credentials that Pergola made.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from controlplane.core.errors import DomainError
from controlplane.instances.client import N8nClient
from controlplane.instances.client.errors import NotFound
from controlplane.instances.client.executions import Execution, ExecutionStatus
from controlplane.instances.client.workflows import Workflow
from controlplane.instances.models import Instance, Workspace
from controlplane.instances.services import owner_client, remove_member
from tenants.context import inside
from tenants.leaving import Kind
from tenants.models import Tenant

# A stopped execution needs a moment to end.
TRIES = 20
PAUSE_SECONDS = 0.25
_ALL = 1_000_000

# From above: the ids of the credentials that were made for the tenant that is entered.
_made: list[Callable[[], set[str]]] = []


class InstanceGone(DomainError):
    code = "instance_gone"
    status = 409
    title = "The tenant's n8n is not registered any more"


def register_credentials(ids: Callable[[], set[str]]) -> None:
    """From AppConfig.ready: `ids()` runs inside the tenant."""
    _made.append(ids)


@contextmanager
def _opened(tenant: Tenant) -> Iterator[tuple[N8nClient, Workspace, Instance] | None]:
    """n8n seen by its owner, whose key outlives the member. None without a workspace."""
    with inside(tenant):
        workspace = Workspace.objects.first()
    if workspace is None or not workspace.is_ready:
        yield None
        return
    instance = Instance.objects.filter(pk=workspace.instance_id).first()
    if instance is None:
        raise InstanceGone(
            f"{tenant} has its workspace at {workspace.base_url}, which is registered no more: "
            "what it has there cannot be removed. Register that n8n again with its old id."
        )
    with owner_client(instance, project_id=workspace.project_id) as n8n:
        yield n8n, workspace, instance


def _workflows(n8n: N8nClient, workspace: Workspace) -> list[Workflow]:
    return n8n.list_workflows(tag="" if workspace.is_member else workspace.tag)


def _executions(n8n: N8nClient, workspace: Workspace) -> list[Execution]:
    return [
        execution
        for workflow in _workflows(n8n, workspace)
        for status in (None, ExecutionStatus.RUNNING)
        for execution in n8n.list_executions(workflow_id=workflow.id, status=status, limit=_ALL)
    ]


def _count_executions(tenant: Tenant) -> int:
    with _opened(tenant) as place:
        return len(_executions(*place[:2])) if place else 0


def _remove_executions(tenant: Tenant) -> None:
    with _opened(tenant) as place:
        if place is None:
            return
        n8n, workspace, _instance = place
        for workflow in _workflows(n8n, workspace):
            n8n.deactivate_workflow(workflow.id)
        for _try in range(TRIES):
            found = _executions(n8n, workspace)
            if not found:
                return
            for execution in found:
                if not execution.has_ended:
                    n8n.stop_execution(execution.id)
                n8n.delete_execution(execution.id)
            time.sleep(PAUSE_SECONDS)


def _count_workflows(tenant: Tenant) -> int:
    with _opened(tenant) as place:
        return len(_workflows(*place[:2])) if place else 0


def _remove_workflows(tenant: Tenant) -> None:
    with _opened(tenant) as place:
        if place is not None:
            for workflow in _workflows(*place[:2]):
                place[0].delete_workflow(workflow.id)


def _credentials(n8n: N8nClient, workspace: Workspace, tenant: Tenant) -> list[str]:
    with inside(tenant):
        made = set().union(*(ids() for ids in _made))
    return [
        found.id
        for found in n8n.list_credentials()
        if found.id in made or (workspace.is_member and workspace.project_id in found.projects)
    ]


def _count_credentials(tenant: Tenant) -> int:
    with _opened(tenant) as place:
        return len(_credentials(*place[:2], tenant)) if place else 0


def _remove_credentials(tenant: Tenant) -> None:
    with _opened(tenant) as place:
        if place is not None:
            for credential_id in _credentials(*place[:2], tenant):
                place[0].delete_credential(credential_id)


def _count_members(tenant: Tenant) -> int:
    with _opened(tenant) as place:
        if place is None or not place[1].is_member:
            return 0
        try:
            place[0].get_user(place[1].member_email)
        except NotFound:
            return 0
        return 1


def _remove_member(tenant: Tenant) -> None:
    with _opened(tenant) as place:
        if place is not None and place[1].is_member:
            remove_member(place[2], place[1])


KINDS = (
    Kind("n8n executions", _count_executions, _remove_executions),
    Kind("n8n workflows", _count_workflows, _remove_workflows),
    Kind("n8n credentials", _count_credentials, _remove_credentials),
    Kind("n8n members", _count_members, _remove_member),
    Kind(
        "registered n8n servers",
        lambda tenant: Instance.objects.filter(tenant=tenant).count(),
        lambda tenant: Instance.objects.filter(tenant=tenant).delete(),
    ),
)
