"""What a workflow needs where it is to run, and what it cannot take along."""

import re
from collections import defaultdict
from typing import Any

from controlplane.workflow.findings import Note
from controlplane.workflow.importer.cleaning import SUBWORKFLOW, embedded
from controlplane.workflow.importer.result import ConnectionNeed, PackageNeed, Removal
from controlplane.workflow.reading import Held
from controlplane.workflow.shapes import Edge, Json

BUILT_IN = {"n8n-nodes-base", "@n8n/n8n-nodes-langchain"}
_CREDENTIAL_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9]{2,60}\Z")
_WORDS = re.compile(r"OAuth2|[A-Z]{2,}(?=[A-Z][a-z]|\d|$)|[A-Z]?[a-z]+|[A-Z]+|\d+")
_WRITTEN = {"api": "API", "oauth2": "OAuth2", "http": "HTTP", "id": "ID", "url": "URL",
            "smtp": "SMTP", "imap": "IMAP", "ai": "AI", "sql": "SQL", "my": "My"}  # fmt: skip
_BRANDS = {"Open AI": "OpenAI", "Woo Commerce": "WooCommerce", "Git Hub": "GitHub",
           "Git Lab": "GitLab", "Whats App": "WhatsApp", "Mongo Db": "MongoDB"}  # fmt: skip
_ASKED_BY = {
    "predefinedCredentialType": "nodeCredentialType",
    "genericCredentialType": "genericAuthType",
}
_ON_THE_SERVER = {
    "executeCommand": "runs commands on the n8n server",
    "readBinaryFile": "reads files of the n8n server",
    "readBinaryFiles": "reads files of the n8n server",
    "writeBinaryFile": "writes files on the n8n server",
    "readWriteFile": "reads or writes files of the n8n server",
    "localFileTrigger": "watches files of the n8n server",
    "ssh": "logs in to a server",
    "n8n": "uses the API of its own n8n",
    "n8nTrigger": "listens to its own n8n",
}
_OUTSIDE = re.compile(r"\$(env|vars|secrets)\b(?:\.(\w+)|\[\s*[\"'](\w+)[\"']\s*\])?")


def label_of(name: str) -> str:
    """`googleSheetsOAuth2Api` → “Google Sheets OAuth2 API”."""
    words = _WORDS.findall(name)
    label = " ".join(_WRITTEN.get(w.lower(), w[:1].upper() + w[1:]) for w in words) or name
    for apart, brand in _BRANDS.items():
        label = label.replace(apart, brand)
    return label


def connections(workflow: Json, removals: list[Removal]) -> tuple[ConnectionNeed, ...]:
    """By credential type: those the nodes had, and those their parameters ask for."""
    users: dict[str, list[str]] = defaultdict(list)
    for removal in (inner for outer in removals for inner in outer.all()):
        if removal.kind == "credential" and isinstance(removal.was, dict) and removal.node:
            for kind in removal.was:
                users[kind].append(removal.node)
    for node in workflow["nodes"]:
        for kind in _asked_for(node["parameters"]):
            users[kind].append(node["name"])
    return tuple(
        ConnectionNeed(kind, label_of(kind), tuple(dict.fromkeys(nodes)))
        for kind, nodes in sorted(users.items())
    )


def _asked_for(parameters: Json) -> list[str]:
    how = parameters.get("authentication")
    key = _ASKED_BY.get(how) if isinstance(how, str) else None
    kind = parameters.get(key or "")
    return [kind] if isinstance(kind, str) and _CREDENTIAL_TYPE.match(kind) else []


def packages(workflow: Json) -> tuple[PackageNeed, ...]:
    types: dict[str, set[str]] = defaultdict(set)
    for node in workflow["nodes"]:
        package, _dot, _name = node["type"].rpartition(".")
        types[package or node["type"]].add(node["type"])
    return tuple(
        PackageNeed(name, name in BUILT_IN, tuple(sorted(found)))
        for name, found in sorted(types.items())
    )


def not_carried(
    workflow: Json, removals: list[Removal], loose: tuple[Edge, ...]
) -> tuple[Note, ...]:
    """One sentence for each thing that people have to see to."""
    notes = [note for removal in removals for note in _lost(removal, workflow)]
    for number, node in enumerate(workflow["nodes"]):
        notes += _about(node, f"nodes.{number}")
    notes += [
        Note(edge.source, "connections", f"leads to “{edge.target[:100]}”, which is not there")
        for edge in loose
    ]
    return tuple(notes)


def _lost(removal: Removal, workflow: Json) -> list[Note]:
    where = ".".join(map(str, removal.path))
    if removal.within:
        told = [_told(inner) for outer in removal.within for inner in outer.all()]
    elif removal.kind == "subworkflow" and _calls_another(removal, workflow):
        told = []
    else:
        told = [_told(removal)]
    return [Note(removal.node, where, each) for each in dict.fromkeys(told) if each]


def _told(removal: Removal) -> str:
    match removal.kind:
        case "secret":
            return "held a secret in clear; use a connection instead"
        case "subworkflow" if not removal.within:
            return "names another workflow of that n8n; choose one here"
        case "table" if not removal.within:
            return "names a data table of that n8n; choose one here"
        case "credential" if removal.path[-1] != "credentials" and not removal.within:
            return "names a credential of that n8n; choose one here"
        case "pinned" if removal.was and not removal.node:
            return "test data was pinned to nodes, and is left behind"
        case "state" if removal.path == ("staticData",) and removal.was and not removal.node:
            return "what the workflow remembered between runs is left behind"
    return ""


def _calls_another(removal: Removal, workflow: Json) -> bool:
    """It is told by the node's type, whether an id was there or not."""
    match removal.path:
        case ("nodes", int(number), "parameters", "workflowId", *_rest):
            return bool(SUBWORKFLOW.search(workflow["nodes"][number]["type"]))
    return False


def _about(node: Json, path: str) -> list[Note]:
    package, _dot, name = node["type"].rpartition(".")
    notes = []
    if not package:
        notes.append(Note(node["name"], f"{path}.type", f"“{name[:100]}” names no package"))
    if package == "n8n-nodes-base" and name in _ON_THE_SERVER:
        told = f"{_ON_THE_SERVER[name]}, which is another one for every tenant"
        notes.append(Note(node["name"], f"{path}.type", told))
    given = node["parameters"].get("workflowJson")
    if isinstance(given, str) and given.strip() and embedded(given, Held()) is None:
        told = "holds a workflow that cannot be read; look for ids and credentials in it yourself"
        notes.append(Note(node["name"], f"{path}.parameters.workflowJson", told))
    if SUBWORKFLOW.search(node["type"]) and node["parameters"].get("source") != "parameter":
        told = "calls another workflow, which has to be imported and chosen here"
        notes.append(Note(node["name"], f"{path}.parameters.workflowId", told))
    for where, what in sorted(_outside(node["parameters"])):
        told = f"reads {what} of that n8n; make it a parameter"
        notes.append(Note(node["name"], f"{path}.parameters{where}", told))
    return notes


def _outside(value: Any, path: str = "") -> set[tuple[str, str]]:
    """Variables of the instance that expressions and code read."""
    if isinstance(value, str):
        if "$" not in value:
            return set()
        return {
            (path, f"${m[1]}.{m[2] or m[3]}" if m[2] or m[3] else f"${m[1]}")
            for m in _OUTSIDE.finditer(value)
        }
    items: Any = enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict):
        items = value.items()
    return {found for key, inner in items for found in _outside(inner, f"{path}.{key}")}
