"""The process that holds the compiled rules: a document in, findings out, until stdin closes.

It is a process and not a thread, because Saxon cannot be stopped in the middle of a document:
a process can be, and takes nothing of the server with it. Messages are JSON with their length
in four bytes before them.
"""

import json
import os
import re
import resource
import struct
import sys
from typing import IO, Any

from lxml import etree

MOST_FINDINGS = 500
MEMORY_MB = 1536
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_STEP = re.compile(r"/\*:([^\[/]+)\[namespace-uri\(\)='[^']*'\]\[([0-9]+)\]")
_ATTRIBUTE = re.compile(r"/@\*\[local-name\(\)='([^']+)'[^\]]*\]")
_BRACKETED = re.compile(r"\s*\[([A-Z][A-Za-z0-9-]*-[A-Za-z0-9-]+)\]\s*[-–:]?\s*")


def main() -> None:
    # Saxon reserves tens of gigabytes of addresses, so RLIMIT_AS would stop it at once.
    limit = MEMORY_MB * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from saxonche import PySaxonProcessor

    # What native code may print goes where nobody takes it for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    saxon = PySaxonProcessor(license=False)
    compiler = saxon.new_xslt30_processor()
    compiled: dict[str, Any] = {}
    while (request := receive(sys.stdin.buffer)) is not None:
        path = request["rules"]
        try:
            if path not in compiled:
                compiled[path] = compiler.compile_stylesheet(stylesheet_file=path)
            answer: dict[str, Any] = {"findings": []}
            if request["xml"]:
                document = saxon.parse_xml(xml_text=request["xml"])
                report = compiled[path].transform_to_string(xdm_node=document)
                answer = findings(report)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        send(answers, answer)


def receive(stream: IO[bytes]) -> Any:
    head = stream.read(4)
    if len(head) < 4:
        return None
    return json.loads(stream.read(struct.unpack(">I", head)[0]))


def send(stream: IO[bytes], message: Any) -> None:
    body = json.dumps(message).encode()
    stream.write(struct.pack(">I", len(body)) + body)
    stream.flush()


def findings(report: str) -> dict[str, Any]:
    """What failed in a report in SVRL, in the order of the rules.

    Of too many, warnings are left out first: UBL's come before the rules on codes, and whoever
    earns 500 of them must not have what is fatal forgotten.
    """
    parser = etree.XMLParser(huge_tree=True, no_network=True, resolve_entities=False)
    root = etree.fromstring(report.encode(), parser)
    found: dict[str, list[tuple[int, dict[str, str]]]] = {"fatal": [], "warning": []}
    total = 0
    for node in root.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
        total += 1
        finding = _finding(node)
        if len(alike := found[finding["severity"]]) < MOST_FINDINGS:
            alike.append((total, finding))
    kept = sorted((found["fatal"] + found["warning"])[:MOST_FINDINGS], key=lambda one: one[0])
    return {"findings": [finding for _place, finding in kept], "total": total}


def _finding(node: etree._Element) -> dict[str, str]:
    text = " ".join((node.findtext(f"{_SVRL}text") or "").split())
    rule_id = str(node.get("id", ""))
    bracketed = _BRACKETED.match(text)
    if bracketed:
        # The profiles' own files give numbers (FX-SCH-A-000312) and name the rule in the text.
        rule_id = bracketed[1] if not rule_id or rule_id.startswith("FX-SCH") else rule_id
        text = text[bracketed.end() :]
    flag = str(node.get("flag") or node.get("role") or "fatal").lower()
    return {
        # A few rules of Factur-X on unused elements have neither number nor name.
        "rule_id": rule_id or "UNNUMBERED",
        "severity": "warning" if flag in {"warning", "warn", "information", "info"} else "fatal",
        "message": text,
        "element": readable(str(node.get("location", ""))),
    }


def readable(location: str) -> str:
    """`Invoice/InvoiceLine[2]/Price`: the place without namespaces, and without the index 1."""
    path = _STEP.sub(
        lambda step: f"/{step[1]}" + (f"[{step[2]}]" if step[2] != "1" else ""), location
    )
    return _ATTRIBUTE.sub(r"/@\1", path).lstrip("/")
