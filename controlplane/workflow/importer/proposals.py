"""Hard-coded values that every tenant would set otherwise, proposed as parameters."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from controlplane.workflow.canonical import fingerprint
from controlplane.workflow.importer.needs import label_of
from controlplane.workflow.importer.personal import EMAIL, SECRET
from controlplane.workflow.importer.result import Format, Path, Proposal, ProposalType, Use
from controlplane.workflow.shapes import STICKY, Json, Names

MOST = 100
LONGEST_NAME = 40
_URL = re.compile(r"https?://[^\s\"'`<>{}\\|^)\]]{4,500}")
_ORIGIN = re.compile(r"https?://([^\s\"'`<>{}\\|^)\]/?#,;]{4,200})({)?")
_PERSON = re.compile(r"person\d+@example\.com")
_RESOURCES = {
    "documentId": "document", "sheetName": "sheet", "sheetId": "sheet", "spreadsheetId": "document",
    "channelId": "channel", "channel": "channel", "chatId": "chat", "fileId": "file",
    "folderId": "folder", "driveId": "drive", "calendar": "calendar", "calendarId": "calendar",
    "base": "base", "baseId": "base", "application": "base", "table": "table", "tableId": "table",
    "databaseId": "database", "boardId": "board", "listId": "list", "projectId": "project",
    "project": "project", "owner": "owner", "repository": "repository", "teamId": "team",
    "team": "team", "groupId": "group", "guildId": "server", "formId": "form", "siteId": "site",
    "workspace": "workspace", "workspaceId": "workspace", "organizationId": "organisation",
    "phoneNumberId": "phone number", "pageId": "page", "queue": "queue", "topic": "topic",
    "bucketName": "bucket", "pineconeIndex": "index", "qdrantCollection": "collection",
    "collection": "collection", "tableName": "table", "accountId": "account",
    "subdomain": "subdomain", "labelIds": "labels", "roomId": "room", "user": "user",
    "instanceId": "instance",
}  # fmt: skip
_BRANCHING = {"if", "switch", "filter"}
_CODE = {"jsCode", "functionCode", "pythonCode", "code"}
_SCHEDULES = {"scheduleTrigger": "rule", "cron": "triggerTimes"}


@dataclass(frozen=True)
class _Found:
    type: ProposalType
    format: Format
    what: str
    value: Any
    use: Use


def proposals(workflow: Json) -> tuple[Proposal, ...]:
    """For a cleaned workflow, in the order of its nodes; equal values are proposed once."""
    groups: dict[str, list[_Found]] = {}
    whole: set[Path] = set()
    for found in _all(workflow):
        # What a condition compares with may be an address: one place is one parameter.
        if found.use.path in whole:
            continue
        if found.use.whole:
            whole.add(found.use.path)
        groups.setdefault(fingerprint([found.type, found.format, found.value]), []).append(found)
    names = Names()
    return tuple(_proposal(group, names) for group in list(groups.values())[:MOST])


def _proposal(group: list[_Found], names: Names) -> Proposal:
    first = group[0]
    label = first.what if len({found.use.node for found in group}) > 1 else (
        f"{first.use.node}: {first.what}" if first.use.node else first.what)  # fmt: skip
    label = label[:1].upper() + label[1:]
    name = names.take(_slug(label))
    text = str(first.value)
    is_gone = (first.format == "email" and _PERSON.search(text)) or SECRET in text
    default = None if is_gone else first.value
    uses = tuple(dict.fromkeys(found.use for found in group))
    return Proposal(name, first.type, first.format, label[:120], default, first.value, uses)


def _slug(label: str) -> str:
    """Begins with a letter, and leaves room for the number that tells it from others."""
    slug = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    slug = slug if slug[:1].isalpha() else f"value_{slug}"
    return slug[: LONGEST_NAME - 4].strip("_")


def _all(workflow: Json) -> Iterator[_Found]:
    zone = workflow["settings"].get("timezone")
    if isinstance(zone, str) and zone:
        use = Use("", ("settings", "timezone"))
        yield _Found("text", "timezone", "time zone", zone, use)
    for number, node in enumerate(workflow["nodes"]):
        if node["type"] == STICKY:
            continue
        path: Path = ("nodes", number, "parameters")
        kind = node["type"].rpartition(".")[2]
        if kind in _SCHEDULES:
            yield from _schedule(node, path, _SCHEDULES[kind])
        if kind in _BRANCHING:
            yield from _thresholds(node["parameters"], node["name"], path)
        if kind == "wait":
            yield from _wait(node, path)
        yield from _values(node["parameters"], node["name"], path)


def _schedule(node: Json, path: Path, key: str) -> Iterator[_Found]:
    given = node["parameters"].get(key)
    if given:
        yield _Found("schedule", "", "schedule", given, Use(node["name"], (*path, key)))


def _wait(node: Json, path: Path) -> Iterator[_Found]:
    amount = node["parameters"].get("amount")
    if isinstance(amount, int | float) and not isinstance(amount, bool):
        unit = node["parameters"].get("unit", "hours")
        what = f"wait, in {unit if isinstance(unit, str) else 'hours'}"
        yield _Found("number", "", what, amount, Use(node["name"], (*path, "amount")))


def _thresholds(value: Any, node: str, path: Path) -> Iterator[_Found]:
    """What conditions compare with: `rightValue` since version 2, `value2` before."""
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _thresholds(inner, node, (*path, number))
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("rightValue", "value2") and _is_literal(inner):
                is_number = isinstance(inner, int | float)
                compared = value.get("leftValue", value.get("value1"))
                yield _Found("number" if is_number else "text", "", _compared(compared), inner,
                             Use(node, (*path, key)))  # fmt: skip
            else:
                yield from _thresholds(inner, node, (*path, key))


def _is_literal(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value.strip()) <= 200 and not value.startswith("=") and "://" not in value
    # Nothing, one and none are how a flow is written, not what somebody would choose.
    return isinstance(value, int | float) and value not in (-1, 0, 1)


def _compared(expression: Any) -> str:
    """`={{ $json.order.total }}` → “total compared with”."""
    words = re.findall(r"[\"'.]([A-Za-z_]\w*)[\"']?\]?\s*(?:\}\}|$)", str(expression))
    return f"{label_of(words[-1]).lower()} compared with" if words else "compared with"


def _values(value: Any, node: str, path: Path) -> Iterator[_Found]:
    if isinstance(value, str):
        yield from _in_text(value, node, path)
        return
    items: Any = enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict):
        items = value.items()
    for key, inner in items:
        what = _RESOURCES.get(key) if isinstance(key, str) else None
        if what and (place := _resource(inner, (*path, key))):
            found = inner["value"] if isinstance(inner, dict) else inner
            yield _Found("text", "id", what, found, Use(node, place))
        else:
            yield from _values(inner, node, (*path, key))


def _resource(value: Any, path: Path) -> Path | None:
    """Where the id is, if it is a fixed one: by itself, or in n8n's resource locator."""
    if isinstance(value, dict) and value.get("__rl") is True:
        value, path = value.get("value"), (*path, "value")
    if isinstance(value, str):
        fixed = 0 < len(value.strip()) <= 300 and not value.startswith("=")
        return path if fixed and "{{" not in value and not _PERSON.search(value) else None
    return path if isinstance(value, int) and not isinstance(value, bool) else None


def _in_text(text: str, node: str, path: Path) -> Iterator[_Found]:
    if "://" in text:
        if _URL.fullmatch(text.strip()):
            yield _Found("text", "url", "address", text, Use(node, path))
        else:
            # Only the server varies between tenants; the rest is made by an expression or code.
            for origin in dict.fromkeys(_origins(text)):
                yield _Found("text", "url", "server", origin, Use(node, path, whole=False))
    for person in dict.fromkeys(EMAIL.findall(text)) if "@" in text else ():
        whole = text.strip() == person
        yield _Found("text", "email", "e-mail address", person, Use(node, path, whole))


def _origins(text: str) -> Iterator[str]:
    for match in _ORIGIN.finditer(text):
        host, goes_on = match.groups()
        whole = host.rstrip(".:!*_~-")
        if len(whole) >= 4 and (whole == host or not goes_on):
            yield f"{match[0].partition('//')[0]}//{whole}"
