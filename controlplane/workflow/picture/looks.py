"""What a node looks like by its type: an icon where one is simple, else initials, and a colour."""

import re
import zlib
from dataclasses import dataclass

from controlplane.workflow.importer.needs import label_of
from controlplane.workflow.shapes import Json

BOLT = "M13 3 5 14h6l-1 7 8-11h-6z"
_ICONS = {
    "bolt": BOLT,
    "split": "M3 12h6l7-6h5M9 12l7 6h5",
    "switch": "M3 12h5l7-7h6M8 12h13M8 12l7 7h6",
    "merge": "M3 6h5l7 6h6M3 18h5l7-6",
    "filter": "M4 5h16l-6 8v6l-4-2v-4z",
    "code": "M9 7l-5 5 5 5M15 7l5 5-5 5",
    "globe": (
        "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0M3 12h18"
        "M12 3c3.5 3 3.5 15 0 18M12 3c-3.5 3-3.5 15 0 18"
    ),
    "pencil": "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
    "clock": "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0M12 7v5l4 2",
    "mail": "M3 6h18v12H3zM3 7l9 7 9-7",
    "enter": "M3 12h11M10 8l4 4-4 4M20 4v16",
    "leave": "M4 4v16M10 12h11M17 8l4 4-4 4",
    "chat": "M4 5h16v11H11l-5 4v-4H4z",
    "data": "M5 6c0-4 14-4 14 0v12c0 4-14 4-14 0zM5 6c0 4 14 4 14 0M5 12c0 4 14 4 14 0",
    "spark": "M12 3l2.2 6.8L21 12l-6.8 2.2L12 21l-2.2-6.8L3 12l6.8-2.2z",
    "table": "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
    "file": "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
    "arrow": "M4 12h15M14 7l5 5-5 5",
    "stop": "M8 3h8l5 5v8l-5 5H8l-5-5V8zM9 9l6 6M15 9l-6 6",
    "loop": "M17 3l3 3-3 3M20 6H9a5 5 0 0 0-5 5M7 21l-3-3 3-3M4 18h11a5 5 0 0 0 5-5",
    "list": "M9 6h11M9 12h11M9 18h11M4 6h1M4 12h1M4 18h1",
    "flow": "M3 4h7v6H3zM14 14h7v6h-7zM10 7h7v7",
    "form": "M5 3h14v18H5zM9 8h6M9 12h6M9 16h3",
    "hand": "M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c0-8 16-8 16 0",
    "pergola": "M2 7h20M4 4h2v16M20 4h-2v16M2 10h20M9 4v6M12 4v6M15 4v6",
    "calendar": "M4 5h16v15H4zM4 10h16M8 3v4M16 3v4",
    "memory": "M4 6h16v12H4zM8 6v12M16 6v12M12 6v12",
    "vector": "M6 18L12 5l6 13zM12 5v9M6 18l6-4 6 4",
}  # fmt: skip
_GREEN, _BLUE, _AMBER, _VIOLET = "#2f855a", "#2b6cb0", "#b7791f", "#6b46c1"
_TEAL, _ROSE, _SLATE, _PLUM = "#217f86", "#b83255", "#5a6472", "#97308c"
_KINDS = {
    "if": ("split", _GREEN), "switch": ("switch", _BLUE), "filter": ("filter", _BLUE),
    "merge": ("merge", _TEAL), "code": ("code", _AMBER), "function": ("code", _AMBER),
    "functionItem": ("code", _AMBER), "aiTransform": ("spark", _VIOLET),
    "httpRequest": ("globe", _BLUE), "httpRequestTool": ("globe", _BLUE),
    "graphql": ("globe", _PLUM), "set": ("pencil", _TEAL), "editImage": ("pencil", _TEAL),
    "renameKeys": ("pencil", _TEAL), "wait": ("clock", _AMBER), "dateTime": ("clock", _TEAL),
    "scheduleTrigger": ("clock", _GREEN), "cron": ("clock", _GREEN), "interval": ("clock", _GREEN),
    "emailSend": ("mail", _ROSE), "emailReadImap": ("mail", _GREEN), "gmail": ("mail", _ROSE),
    "gmailTrigger": ("mail", _GREEN), "microsoftOutlook": ("mail", _BLUE),
    "webhook": ("enter", _GREEN), "respondToWebhook": ("leave", _BLUE),
    "formTrigger": ("form", _GREEN), "form": ("form", _TEAL), "chatTrigger": ("chat", _GREEN),
    "chat": ("chat", _TEAL), "manualTrigger": ("bolt", _GREEN), "errorTrigger": ("bolt", _ROSE),
    "executeWorkflowTrigger": ("flow", _GREEN), "executeWorkflow": ("flow", _ROSE),
    "toolWorkflow": ("flow", _ROSE), "postgres": ("data", _BLUE), "mySql": ("data", _BLUE),
    "mongoDb": ("data", _GREEN), "redis": ("data", _ROSE), "supabase": ("data", _GREEN),
    "dataTable": ("table", _TEAL), "googleSheets": ("table", _GREEN),
    "airtable": ("table", _BLUE), "spreadsheetFile": ("table", _GREEN),
    "noOp": ("arrow", _SLATE), "stopAndError": ("stop", _ROSE),
    "splitInBatches": ("loop", _TEAL), "splitOut": ("list", _TEAL), "itemLists": ("list", _TEAL),
    "aggregate": ("list", _TEAL), "summarize": ("list", _TEAL), "limit": ("list", _TEAL),
    "sort": ("list", _TEAL), "removeDuplicates": ("list", _TEAL),
    "extractFromFile": ("file", _AMBER),
    "convertToFile": ("file", _AMBER), "readWriteFile": ("file", _AMBER), "html": ("code", _ROSE),
    "markdown": ("file", _SLATE), "executeCommand": ("code", _SLATE), "agent": ("spark", _VIOLET),
    "chainLlm": ("spark", _VIOLET), "googleCalendar": ("calendar", _BLUE),
    "googleCalendarTool": ("calendar", _BLUE), "agentTool": ("spark", _VIOLET),
    "chainSummarization": ("spark", _VIOLET), "textClassifier": ("switch", _VIOLET),
    "sentimentAnalysis": ("spark", _VIOLET), "informationExtractor": ("spark", _VIOLET),
    "toolCode": ("code", _AMBER), "toolHttpRequest": ("globe", _BLUE),
    "memoryBufferWindow": ("memory", _TEAL), "memoryPostgresChat": ("memory", _TEAL),
    "outputParserStructured": ("form", _TEAL), "documentDefaultDataLoader": ("file", _AMBER),
    "toolThink": ("chat", _AMBER), "pergola": ("pergola", _GREEN),
    "pergolaTrigger": ("pergola", _GREEN), "requestAndWait": ("hand", _AMBER),
}  # fmt: skip
_STARTING = {"vectorStore": ("vector", _PLUM), "embeddings": ("vector", _TEAL),
             "memory": ("memory", _TEAL), "textSplitter": ("list", _TEAL)}  # fmt: skip
_PALETTE = (_GREEN, _BLUE, _AMBER, _VIOLET, _TEAL, _ROSE, _PLUM, "#a3541f", "#31708e", "#55772c")
_NOT_WORDS = re.compile(r"^(lmChat|lm|tool)(?=[A-Z])|(Tool|Trigger|Api)$")


@dataclass(frozen=True)
class Look:
    icon: str
    """Path data in a box of 24; empty where the initials stand."""
    initials: str
    color: str
    kind: str
    """The type in words."""
    is_trigger: bool


def look_of(node: Json) -> Look:
    kind = node["type"].rpartition(".")[2][:80]
    words = label_of(_NOT_WORDS.sub("", kind) or kind)
    icon, color = _KINDS.get(kind) or next(
        (look for start, look in _STARTING.items() if kind.startswith(start)),
        ("", _PALETTE[zlib.crc32(words.lower().encode()) % len(_PALETTE)]),
    )
    trigger = kind.endswith("Trigger") or kind in ("webhook", "cron", "interval", "emailReadImap")
    return Look(_ICONS.get(icon, ""), _initials(words), color, label_of(kind), trigger)


def _initials(words: str) -> str:
    parts = [part for part in words.split() if part[0].isalnum()]
    if len(parts) > 1:
        return (parts[0][0] + parts[1][0]).upper()
    capitals: list[str] = re.findall("[A-Z]", parts[0][1:]) if parts else []
    if capitals and not parts[0].isupper():
        return parts[0][0].upper() + capitals[0]
    return (parts[0][:2] if parts else "?").title()
