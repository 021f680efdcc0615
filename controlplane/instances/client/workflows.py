"""Workflows of an instance, and the tags that order them."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from controlplane.instances.client.errors import (
    InstanceRefused,
    NotFound,
    WebhookPathTaken,
    WorkflowNotLive,
)
from controlplane.instances.client.transport import Json, Transport

# What n8n lets a body carry; every other key answers 400. An exported workflow has more (`id`,
# `active`, `tags`, `meta`), and `staticData` is a running workflow's own memory.
WRITABLE = ("name", "nodes", "connections", "settings", "nodeGroups", "pinData")
TAG_LENGTH = 24
POLL_SECONDS = 0.15


@dataclass(frozen=True)
class Tag:
    id: str
    name: str


@dataclass(frozen=True)
class Workflow:
    """As n8n has it: `version_id` is the draft, `active_version_id` what is published."""

    id: str
    name: str
    active: bool
    version_id: str
    active_version_id: str
    is_archived: bool
    trigger_count: int
    nodes: list[Json]
    connections: Json
    settings: Json
    tags: tuple[Tag, ...] = ()
    raw: Json = field(default_factory=dict, repr=False, compare=False)
    """The whole answer, for what has no name of ours."""


class Workflows(Transport):
    """The part of the client that is about workflows and tags."""

    project_id: str = ""

    def create_workflow(self, workflow: Mapping[str, Any]) -> Workflow:
        """Make a draft from exported workflow JSON; keys that n8n does not take are left out."""
        body = {**_writable(workflow), **self._in_project()}
        name = str(workflow.get("name", ""))
        return _workflow(
            self.call("POST", "/workflows", doing=f"create workflow {name}", body=body)
        )

    def get_workflow(self, workflow_id: str) -> Workflow:
        """Raises NotFound, or AccessDenied when it is another user's."""
        path = f"/workflows/{quote(workflow_id, safe='')}"
        return _workflow(self.call("GET", path, doing=f"read workflow {workflow_id}"))

    def update_workflow(self, workflow_id: str, workflow: Mapping[str, Any]) -> Workflow:
        """Replace it. A published one is published again; raises WebhookPathTaken like that."""
        path = f"/workflows/{quote(workflow_id, safe='')}"
        doing = f"update workflow {workflow_id}"
        return _workflow(self._publishing("PUT", path, doing=doing, body=_writable(workflow)))

    def activate_workflow(
        self, workflow_id: str, *, live_urls: Iterable[str] = (), wait: float = 0.0
    ) -> Workflow:
        """Publish it. Raises WebhookPathTaken.

        n8n answers before the webhooks are there. With `wait` (seconds) this returns only when
        each of `live_urls` answers, or, without any, when n8n has counted the triggers (which
        tells nothing about a workflow that was published before). Raises WorkflowNotLive.
        """
        path = f"/workflows/{quote(workflow_id, safe='')}/activate"
        doing = f"publish workflow {workflow_id}"
        workflow = _workflow(self._publishing("POST", path, doing=doing))
        if wait > 0:
            workflow = self._wait_until_live(workflow, urls=tuple(live_urls), wait=wait)
        return workflow

    def deactivate_workflow(self, workflow_id: str) -> Workflow:
        """Unpublish it; harmless when it is not published."""
        path = f"/workflows/{quote(workflow_id, safe='')}/deactivate"
        return _workflow(self.call("POST", path, doing=f"unpublish workflow {workflow_id}"))

    def delete_workflow(self, workflow_id: str, *, wait: float = 10.0) -> None:
        """Unpublish and delete it; done as well when it is already gone.

        n8n refuses to delete while it still takes the webhooks away: asked again until `wait`.
        """
        path = f"/workflows/{quote(workflow_id, safe='')}"
        until = time.monotonic() + wait
        try:
            self.deactivate_workflow(workflow_id)
            while True:
                try:
                    self.call("DELETE", path, doing=f"delete workflow {workflow_id}")
                    return
                except InstanceRefused as error:
                    if error.upstream_status != httpx.codes.CONFLICT or time.monotonic() > until:
                        raise
                self.sleep(POLL_SECONDS)
        except NotFound:
            return

    def list_workflows(self, *, tag: str = "", name_prefix: str = "") -> list[Workflow]:
        """Those that the key may read, of the client's project if it has one."""
        params = {"excludePinnedData": "true"}
        if tag:
            params["tags"] = tag
        if name_prefix:
            params["name"] = name_prefix  # n8n finds it anywhere in the name
        if self.project_id:
            params["projectId"] = self.project_id
        found = map(_workflow, self.pages("/workflows", doing="list workflows", params=params))
        return [workflow for workflow in found if workflow.name.startswith(name_prefix)]

    def webhook_is_live(self, url: str, *, method: str = "POST") -> bool:
        """Whether n8n would start something at `url`. Starts nothing: asks as a browser would."""
        headers = {"Origin": self.base_url, "Access-Control-Request-Method": method}
        answer = self.send("OPTIONS", url, doing=f"look for webhook {url}", headers=headers)
        allowed = answer.headers.get("access-control-allow-methods", "")
        return method in {name.strip() for name in allowed.split(",")}

    def tag_workflow(self, workflow_id: str, *names: str) -> tuple[Tag, ...]:
        """Give it these tags and no others; tags that do not exist are made."""
        path = f"/workflows/{quote(workflow_id, safe='')}/tags"
        body = [{"id": self.get_or_create_tag(name).id} for name in names]
        answer = self.call("PUT", path, doing=f"tag workflow {workflow_id}", body=body)
        return tuple(Tag(id=tag["id"], name=tag["name"]) for tag in answer)

    def get_or_create_tag(self, name: str) -> Tag:
        """Tags belong to the whole instance, and every member sees them."""
        found = self._find_tag(name)
        if found is not None:
            return found
        doing = f"create tag {name}"
        try:
            tag = self.call("POST", "/tags", doing=doing, body={"name": name})
        except InstanceRefused as error:
            # n8n says 409 when somebody was faster, and also when the name is too long.
            if error.upstream_status != httpx.codes.CONFLICT:
                raise
            found = self._find_tag(name)
            if found is None:
                raise InstanceRefused(
                    base_url=self.base_url,
                    doing=doing,
                    upstream_status=error.upstream_status,
                    message=error.message,
                    advice=f"A tag has at most {TAG_LENGTH} characters: choose a shorter one.",
                ) from error
            return found
        return Tag(id=tag["id"], name=tag["name"])

    def _find_tag(self, name: str) -> Tag | None:
        tags = self.pages("/tags", doing="list tags", params={})
        return next((Tag(id=t["id"], name=t["name"]) for t in tags if t["name"] == name), None)

    def _in_project(self) -> Json:
        return {"projectId": self.project_id} if self.project_id else {}

    def _publishing(self, method: str, path: str, *, doing: str, body: Any = None) -> Json:
        try:
            answer: Json = self.call(method, path, doing=doing, body=body)
        except InstanceRefused as error:
            if error.upstream_status != httpx.codes.CONFLICT:
                raise
            raise WebhookPathTaken(
                base_url=self.base_url,
                doing=doing,
                upstream_status=error.upstream_status,
                message=error.message,
            ) from error
        return answer

    def _wait_until_live(
        self, workflow: Workflow, *, urls: tuple[str, ...], wait: float
    ) -> Workflow:
        until = time.monotonic() + wait
        while True:
            workflow = self.get_workflow(workflow.id)
            counted = workflow.active and (bool(urls) or workflow.trigger_count > 0)
            if counted and all(self.webhook_is_live(url) for url in urls):
                return workflow
            if time.monotonic() > until:
                raise WorkflowNotLive(base_url=self.base_url, workflow_id=workflow.id, waited=wait)
            self.sleep(POLL_SECONDS)


def _writable(workflow: Mapping[str, Any]) -> Json:
    body = {key: workflow[key] for key in WRITABLE if workflow.get(key) is not None}
    return {"settings": {}, **body}


def _workflow(answer: Json) -> Workflow:
    return Workflow(
        id=str(answer["id"]),
        name=answer["name"],
        active=bool(answer["active"]),
        version_id=answer.get("versionId") or "",
        active_version_id=answer.get("activeVersionId") or "",
        is_archived=bool(answer.get("isArchived")),
        trigger_count=answer.get("triggerCount") or 0,
        nodes=answer["nodes"],
        connections=answer["connections"],
        settings=answer.get("settings") or {},
        tags=tuple(Tag(id=t["id"], name=t["name"]) for t in answer.get("tags") or ()),
        raw=answer,
    )
