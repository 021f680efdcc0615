"""Takes out of a workflow what belongs to the n8n, the account and the person it came from."""

import json
import re
from typing import Any

from controlplane.workflow.canonical import path_at, paths_of
from controlplane.workflow.importer.personal import SECRET, Persons, is_secret
from controlplane.workflow.importer.result import Path, Removal, RemovalKind
from controlplane.workflow.reading import (
    Held,
    WorkflowTooLarge,
    WorkflowUnreadable,
    parsed_text,
)
from controlplane.workflow.shapes import MISSING, Json

_KEPT_AT_THE_TOP = {
    "name", "nodes", "connections", "settings", "tags", "description", "notes",
}  # fmt: skip
_DROPPED: dict[str, RemovalKind] = {
    "usedCredentials": "credential", "versionId": "version", "versionCounter": "version",
    "activeVersionId": "version", "activeVersion": "version", "checksum": "version",
    "hash": "version", "pinData": "pinned", "staticData": "state", "active": "state",
    "isArchived": "state", "triggerCount": "state", "createdAt": "state", "updatedAt": "state",
    "shared": "owner", "owner": "owner", "ownedBy": "owner", "createdBy": "owner",
    "updatedBy": "owner", "user": "owner", "sharedWithProjects": "owner", "scopes": "owner",
}  # fmt: skip
"""What is in neither belongs to the instance: n8n and the people around it add more of it."""
_IDS: dict[str, RemovalKind] = {
    "credentialId": "credential", "credentialsId": "credential", "cachedResultUrl": "cached",
}  # fmt: skip
_OTHERS: dict[str, RemovalKind] = {"workflowId": "subworkflow", "dataTableId": "table"}
"""Ids of something else on that n8n, by themselves or in a resource locator."""
_OF_WORKFLOWS = ("errorWorkflow", "callerIds")
_EMBEDDED = "workflowJson"
_MOST_EMBEDDED = 5
SUBWORKFLOW = re.compile(r"\.(executeWorkflow|toolWorkflow|retrieverWorkflow)$")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
_KEPT_AS_THEY_ARE = {"id", "name", "type", "typeVersion", "position", "onError"}


class Cleaner:
    """Cleans a sound workflow in place and writes down what it took.

    `held` is shared by the workflows of one file. Raises WorkflowTooLarge where the workflows that
    stand as text in it are too much together.
    """

    def __init__(
        self,
        workflow: Json,
        held: Held | None = None,
        *,
        around: "Cleaner | None" = None,
        node: str = "",
    ) -> None:
        self.workflow = workflow
        self.held: Held = held or (around.held if around else Held())
        self.removals: list[Removal] = []
        self.persons: Persons = around.persons if around else Persons()
        self.depth: int = around.depth + 1 if around else 0
        self.inside = node
        """The node whose parameter holds the workflow, which need not be sound then."""

    def clean(self) -> list[Removal]:
        self._workflow(self.workflow, ())
        return self.removals

    def _workflow(self, workflow: Json, path: Path) -> None:
        self._top(workflow, path)
        nodes = workflow.get("nodes")
        for number, node in enumerate(nodes if isinstance(nodes, list) else ()):
            if isinstance(node, dict):
                self._node(node, (*path, "nodes", number))

    def _take(
        self,
        kind: RemovalKind,
        node: str,
        path: Path,
        holder: Any,
        now: Any,
        within: tuple[Removal, ...] = (),
    ) -> None:
        key = path[-1]
        self.removals.append(Removal(kind, node, path, holder[key], now, within))
        if now is MISSING:
            del holder[key]
        else:
            holder[key] = now

    def _top(self, workflow: Json, path: Path) -> None:
        for key in [key for key in workflow if key not in _KEPT_AT_THE_TOP]:
            kind = _DROPPED.get(key, "instance")
            self._take(kind, self.inside, (*path, key), workflow, MISSING)
        tags = workflow.get("tags")
        if isinstance(tags, list) and any(isinstance(tag, dict) for tag in tags):
            names = [tag.get("name", "") if isinstance(tag, dict) else tag for tag in tags]
            self._take("instance", self.inside, (*path, "tags"), workflow, names)
        settings = workflow.get("settings")
        for key in _OF_WORKFLOWS:
            if isinstance(settings, dict) and settings.get(key):
                place = (*path, "settings", key)
                self._take("subworkflow", self.inside, place, settings, MISSING)
        for key, value in list(workflow.items()):
            if key not in ("nodes", "connections"):
                self._value(value, self.inside, (*path, key), workflow)

    def _node(self, node: Json, path: Path) -> None:
        name = self.inside or node["name"]
        if "credentials" in node:
            self._take("credential", name, (*path, "credentials"), node, MISSING)
        if "webhookId" in node:
            self._take("webhook", name, (*path, "webhookId"), node, MISSING)
        for place in paths_of(node):
            self._webhook_path(node, (*path, "parameters", *place), path_at(node, place))
        for key in [key for key in node if key not in _KEPT_AS_THEY_ARE]:
            self._value(node[key], name, (*path, key), node)

    def _webhook_path(self, node: Json, path: Path, given: Any) -> None:
        """n8n makes the path of a webhook of its id, and paths are global to an n8n."""
        if isinstance(given, str) and _UUID.search(given):
            name = str(node.get("name", ""))
            slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "webhook"
            holder = node["parameters"]
            holder = holder["options"] if path[-2] == "options" else holder
            self._take("webhook", self.inside or name, path, holder, _UUID.sub(slug, given))

    def _other(self, value: Any, node: str, path: Path, holder: Json) -> None:
        kind = _OTHERS[str(path[-1])]
        if isinstance(value, str | int) and _is_fixed(value):
            self._take(kind, node, path, holder, "")
        elif isinstance(value, dict):
            if _is_fixed(value.get("value")) and value.get("mode") != "name":
                self._take(kind, node, (*path, "value"), value, "")
            if "cachedResultName" in value:
                self._take("cached", node, (*path, "cachedResultName"), value, MISSING)
            self._value(value, node, path, holder)
        else:
            self._value(value, node, path, holder)

    def _embedded(self, value: Any, node: str, path: Path, holder: Json) -> bool:
        """A workflow as the value of a parameter. Whether it was one."""
        if isinstance(value, dict) and isinstance(value.get("nodes"), list):
            inner = Cleaner(value, around=self, node=node)
            inner._workflow(value, path)
            self.removals += inner.removals
            return True
        if not isinstance(value, str) or self.depth >= _MOST_EMBEDDED:
            return False
        parsed = embedded(value, self.held)
        if parsed is None:
            return False
        inner = Cleaner(parsed, around=self, node=node)
        if removals := tuple(inner.clean()):
            kinds = [removal.kind for removal in removals]
            kind = "credential" if "credential" in kinds else kinds[0]
            # Not indented: ninety levels of a list would be a hundred times as long.
            text = self.held.written(json.dumps(parsed, ensure_ascii=False))
            now = f"={text}" if value.lstrip().startswith("=") else text
            self._take(kind, node, path, holder, now, removals)
        return True

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
                elif key in _OTHERS:
                    self._other(value[key], node, (*path, key), value)
                elif key == _EMBEDDED and self._embedded(value[key], node, (*path, key), value):
                    continue
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


def embedded(text: str, held: Held) -> Json | None:
    """The workflow that stands in a text, also behind the `=` of an expression; None for others.

    Raises WorkflowTooLarge where it and what was read before are too much together.
    """
    text = text.strip().removeprefix("=").strip()
    if not text.startswith("{"):
        return None
    try:
        parsed = parsed_text(text, held)
    except WorkflowTooLarge:
        raise
    except WorkflowUnreadable:
        return None
    return parsed if isinstance(parsed, dict) and isinstance(parsed.get("nodes"), list) else None


def _is_fixed(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return False
    return not str(value).startswith("=")
