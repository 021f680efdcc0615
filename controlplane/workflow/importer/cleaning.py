"""Takes out of a workflow what belongs to the n8n, the account and the person it came from."""

import re
from typing import Any

from controlplane.workflow.canonical import WITH_PATH
from controlplane.workflow.importer.personal import SECRET, Persons, is_secret
from controlplane.workflow.importer.result import Path, Removal, RemovalKind
from controlplane.workflow.shapes import MISSING, Json

_DROPPED: dict[str, RemovalKind] = {
    "id": "instance", "meta": "instance", "projectId": "instance", "homeProject": "instance",
    "parentFolder": "instance", "parentFolderId": "instance", "usedCredentials": "credential",
    "versionId": "version", "versionCounter": "version", "activeVersionId": "version",
    "activeVersion": "version", "checksum": "version", "hash": "version", "pinData": "pinned",
    "staticData": "state", "active": "state", "isArchived": "state", "triggerCount": "state",
    "createdAt": "state", "updatedAt": "state", "shared": "owner", "owner": "owner",
    "ownedBy": "owner", "createdBy": "owner", "updatedBy": "owner", "user": "owner",
    "sharedWithProjects": "owner", "scopes": "owner",
}  # fmt: skip
_IDS: dict[str, RemovalKind] = {
    "webhookId": "webhook", "instanceId": "instance", "credentialId": "credential",
    "credentialsId": "credential", "cachedResultUrl": "cached",
}  # fmt: skip
_OF_WORKFLOWS = ("errorWorkflow", "callerIds")
SUBWORKFLOW = re.compile(r"\.(executeWorkflow|toolWorkflow|retrieverWorkflow)$")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
_KEPT_AS_THEY_ARE = {"id", "name", "type", "typeVersion", "position", "onError"}


class Cleaner:
    """Cleans a sound workflow in place and writes down what it took."""

    def __init__(self, workflow: Json) -> None:
        self.workflow = workflow
        self.removals: list[Removal] = []
        self.persons = Persons()

    def clean(self) -> list[Removal]:
        self._top()
        for number, node in enumerate(self.workflow["nodes"]):
            self._node(node, ("nodes", number))
        return self.removals

    def _take(self, kind: RemovalKind, node: str, path: Path, holder: Any, now: Any) -> None:
        key = path[-1]
        self.removals.append(Removal(kind, node, path, holder[key], now))
        if now is MISSING:
            del holder[key]
        else:
            holder[key] = now

    def _top(self) -> None:
        for key in list(self.workflow):
            if kind := _DROPPED.get(key):
                self._take(kind, "", (key,), self.workflow, MISSING)
        tags = self.workflow.get("tags")
        if isinstance(tags, list) and any(isinstance(tag, dict) for tag in tags):
            names = [tag.get("name", "") if isinstance(tag, dict) else tag for tag in tags]
            self._take("instance", "", ("tags",), self.workflow, names)
        for key in _OF_WORKFLOWS:
            if isinstance(self.workflow["settings"].get(key), str):
                path = ("settings", key)
                self._take("subworkflow", "", path, self.workflow["settings"], MISSING)
        for key, value in list(self.workflow.items()):
            if key not in ("nodes", "connections"):
                self._value(value, "", (key,), self.workflow)

    def _node(self, node: Json, path: Path) -> None:
        name = node["name"]
        if "credentials" in node:
            self._take("credential", name, (*path, "credentials"), node, MISSING)
        if "webhookId" in node:
            self._take("webhook", name, (*path, "webhookId"), node, MISSING)
        self._webhook_path(node, path)
        self._subworkflow(node, path)
        for key in [key for key in node if key not in _KEPT_AS_THEY_ARE]:
            self._value(node[key], name, (*path, key), node)

    def _webhook_path(self, node: Json, path: Path) -> None:
        """n8n makes the path of a webhook of its id, and paths are global to an n8n."""
        given = node["parameters"].get("path")
        if node["type"] in WITH_PATH and isinstance(given, str) and _UUID.search(given):
            slug = re.sub(r"[^a-z0-9]+", "-", node["name"].lower()).strip("-") or "webhook"
            now = _UUID.sub(slug, given)
            place = (*path, "parameters", "path")
            self._take("webhook", node["name"], place, node["parameters"], now)

    def _subworkflow(self, node: Json, path: Path) -> None:
        """The id of another workflow on that n8n, by itself or in a resource locator."""
        given = node["parameters"].get("workflowId")
        if not SUBWORKFLOW.search(node["type"]) or given in (None, ""):
            return
        place: Path = (*path, "parameters", "workflowId")
        if isinstance(given, str | int) and not str(given).startswith("="):
            self._take("subworkflow", node["name"], place, node["parameters"], "")
        elif isinstance(given, dict):
            value = given.get("value")
            if isinstance(value, str | int) and value != "" and not str(value).startswith("="):
                self._take("subworkflow", node["name"], (*place, "value"), given, "")
            if "cachedResultName" in given:
                self._take("cached", node["name"], (*place, "cachedResultName"), given, MISSING)

    def _value(self, value: Any, node: str, path: Path, holder: Any) -> None:
        if isinstance(value, str):
            self._text(value, node, path, holder)
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                self._value(inner, node, (*path, number), value)
        elif isinstance(value, dict):
            for key in list(value):
                if (kind := _IDS.get(key)) and isinstance(value[key], str):
                    self._take(kind, node, (*path, key), value, MISSING)
                else:
                    self._value(value[key], node, (*path, key), value)

    def _text(self, value: str, node: str, path: Path, holder: Any) -> None:
        key = path[-1]
        if isinstance(key, str) and isinstance(holder, dict) and is_secret(key, holder, value):
            self._take("secret", node, path, holder, SECRET)
            return
        clean, secret = self.persons.cleaned(value)
        if clean != value:
            self._take("secret" if secret else "personal", node, path, holder, clean)
