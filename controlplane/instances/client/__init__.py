"""The only caller of n8n's public API (`/api/v1`): typed answers, typed errors, no secrets shown.

    with N8nClient(base_url, api_key) as n8n:
        workflow = n8n.create_workflow(exported)
        n8n.activate_workflow(workflow.id, wait=15)

Every call has a time-out. GET, PUT and DELETE are tried again on broken connections and on 429,
502, 503 and 504; POST and PATCH only when the connection was never made. Errors are in `errors`.
"""

import time
from collections.abc import Callable

import httpx

from controlplane.instances.client.credentials import Credentials
from controlplane.instances.client.executions import Executions
from controlplane.instances.client.transport import TIMEOUT, TRIES
from controlplane.instances.client.users import Users
from controlplane.instances.client.workflows import Workflows

__all__ = ["N8nClient"]


class N8nClient(Workflows, Credentials, Executions, Users):
    """One instance seen with one key; new workflows and credentials go to `project_id`, if any."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        project_id: str = "",
        timeout: httpx.Timeout = TIMEOUT,
        tries: int = TRIES,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(
            base_url, api_key, timeout=timeout, tries=tries, transport=transport, sleep=sleep
        )
        self.project_id = project_id
