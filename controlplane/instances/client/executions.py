"""Executions of an instance: what ran, how it ended, what it waits for."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice

import httpx

from controlplane.instances.client.errors import InstanceRefused, NotFound
from controlplane.instances.client.transport import PAGE, Json, Transport


class ExecutionStatus(StrEnum):
    CANCELED = "canceled"
    CRASHED = "crashed"
    ERROR = "error"
    NEW = "new"
    RUNNING = "running"
    SUCCESS = "success"
    UNKNOWN = "unknown"
    WAITING = "waiting"

    @classmethod
    def _missing_(cls, value: object) -> "ExecutionStatus":
        """A status that another version of n8n knows."""
        return cls.UNKNOWN


ENDED = frozenset(
    {
        ExecutionStatus.CANCELED,
        ExecutionStatus.CRASHED,
        ExecutionStatus.ERROR,
        ExecutionStatus.SUCCESS,
    }
)


@dataclass(frozen=True)
class Execution:
    """One run. `data` is there only when it was asked for."""

    id: str
    workflow_id: str
    status: ExecutionStatus
    mode: str
    started_at: datetime | None
    stopped_at: datetime | None
    wait_till: datetime | None
    data: Json = field(default_factory=dict, repr=False, compare=False)

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


class Executions(Transport):
    """The part of the client that is about executions."""

    def get_execution(self, execution_id: str, *, with_data: bool = False) -> Execution:
        """Raises NotFound: never was, was pruned, or belongs to another user."""
        doing = f"read execution {execution_id}"
        path = self._execution_path(execution_id, doing=doing)
        params = {"includeData": "true" if with_data else "false"}
        return _execution(self.call("GET", path, doing=doing, params=params))

    def list_executions(
        self,
        *,
        workflow_id: str = "",
        status: ExecutionStatus | None = None,
        limit: int = 100,
        with_data: bool = False,
    ) -> list[Execution]:
        """The newest first. Without a status n8n leaves the running ones out: ask for RUNNING."""
        params = {
            "limit": str(min(limit, PAGE)),
            "includeData": "true" if with_data else "false",
        }
        if workflow_id:
            params["workflowId"] = workflow_id
        if status is not None:
            params["status"] = status
        found = self.pages("/executions", doing="list executions", params=params)
        return [_execution(answer) for answer in islice(found, limit)]

    def stop_execution(self, execution_id: str) -> None:
        """Done as well when it has ended, or is gone."""
        doing = f"stop execution {execution_id}"
        path = f"{self._execution_path(execution_id, doing=doing)}/stop"
        try:
            self.call("POST", path, doing=doing)
        except NotFound:
            return
        except InstanceRefused as error:
            if error.upstream_status != httpx.codes.CONFLICT:
                raise

    def delete_execution(self, execution_id: str) -> None:
        """With its data; done as well when it is already gone."""
        doing = f"delete execution {execution_id}"
        try:
            self.call("DELETE", self._execution_path(execution_id, doing=doing), doing=doing)
        except NotFound:
            return

    def _execution_path(self, execution_id: str, *, doing: str) -> str:
        if not (execution_id.isascii() and execution_id.isdecimal()):
            raise NotFound(
                base_url=self.base_url,
                doing=doing,
                upstream_status=httpx.codes.NOT_FOUND,
                message="execution ids are numbers",
            )
        return f"/executions/{execution_id}"


def _execution(answer: Json) -> Execution:
    return Execution(
        id=str(answer["id"]),
        workflow_id=str(answer["workflowId"]),
        status=ExecutionStatus(answer["status"]),
        mode=answer["mode"],
        started_at=_time(answer.get("startedAt")),
        stopped_at=_time(answer.get("stoppedAt")),
        wait_till=_time(answer.get("waitTill")),
        data=answer.get("data") or {},
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
