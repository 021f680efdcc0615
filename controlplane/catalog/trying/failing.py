"""A case for an Error Trigger: another workflow of the tenant fails, and the template runs."""

import time
import uuid
from typing import Any

import httpx

from controlplane.catalog.manifest import Case
from controlplane.catalog.models import Installation
from controlplane.core import http
from controlplane.core.errors import DomainError
from controlplane.instances.client import N8nClient
from controlplane.instances.client.executions import Execution, ExecutionStatus
from controlplane.instances.models import Workspace

ENDS_WITHIN = 60.0
SETTLED = {
    ExecutionStatus.SUCCESS, ExecutionStatus.WAITING, ExecutionStatus.ERROR,
    ExecutionStatus.CRASHED, ExecutionStatus.CANCELED,
}  # fmt: skip


class CaseFailed(DomainError):
    code = "case_failed"
    status = 409
    title = "The case could not be carried out"


def handled_failure(case: Case, installation: Installation, n8n: N8nClient) -> Execution:
    """The template's run after a run of a workflow failed that names it as its error workflow.

    That workflow is made for it and taken away again. Raises CaseFailed, InstanceError.
    """
    workspace = Workspace.current()
    path = f"pergola-{uuid.uuid4()}"
    before = {run.id for run in n8n.list_executions(workflow_id=installation.workflow_id)}
    name = workspace.workflow_name(f"Fails for a case ({path[-8:]})")
    workflow = n8n.create_workflow(_failing(name, path, case, installation.workflow_id))
    try:
        n8n.activate_workflow(workflow.id, wait=ENDS_WITHIN / 3)
        with http.client() as client:
            _call(client, f"{workspace.base_url}/webhook/{path}")
        return _run_besides(before, installation, n8n)
    finally:
        n8n.delete_workflow(workflow.id)


def _call(client: httpx.Client, url: str) -> None:
    """n8n has published a workflow a moment before its webhook is there."""
    deadline = time.monotonic() + ENDS_WITHIN / 3
    while True:
        status = client.post(url, json={}).status_code
        if status != httpx.codes.NOT_FOUND:
            return
        if time.monotonic() > deadline:
            raise CaseFailed("The workflow that is to fail was not there in time.")
        time.sleep(0.2)


def _run_besides(before: set[str], installation: Installation, n8n: N8nClient) -> Execution:
    deadline = time.monotonic() + ENDS_WITHIN
    while time.monotonic() < deadline:
        found = n8n.list_executions(workflow_id=installation.workflow_id)
        for run in found:
            if run.id not in before and run.status in SETTLED:
                return n8n.get_execution(run.id, with_data=True)
        time.sleep(0.2)
    raise CaseFailed(
        f"After {ENDS_WITHIN:.0f} seconds “{installation}” has not run. Does n8n let it handle the "
        "errors of the tenant's other workflows?"
    )


def _failing(name: str, path: str, case: Case, handler: str) -> dict[str, Any]:
    message = str(case.event.payload.get("message") or "It fails on purpose.")
    return {
        "name": name,
        "nodes": [
            {
                "id": str(uuid.uuid4()), "name": "Start", "type": "n8n-nodes-base.webhook",
                "typeVersion": 2.1, "position": [0, 0], "webhookId": str(uuid.uuid4()),
                "parameters": {"httpMethod": "POST", "path": path, "options": {}},
            },
            {
                "id": str(uuid.uuid4()), "name": "Fail", "type": "n8n-nodes-base.stopAndError",
                "typeVersion": 1, "position": [200, 0], "parameters": {"errorMessage": message},
            },
        ],
        "connections": {"Start": {"main": [[{"node": "Fail", "type": "main", "index": 0}]]}},
        "settings": {"executionOrder": "v1", "errorWorkflow": handler},
    }  # fmt: skip
