"""Invoices: the official unit cases, hybrid PDFs, files that are no invoice, and speed.

The peer is factur-x's own `xml_check_schematron`. It posts document and rules to a Saxon service
for each document; here that service is Saxon itself behind a loopback socket, in a process that
is kept warm, so that what is compared is compiling for each document against compiling once.
"""

import logging
import multiprocessing
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from facturx import xml_check_schematron
from lxml import etree

from bench.run import Report, need
from controlplane.invoices.reading import read_document
from controlplane.invoices.rules import validate, warm_up

_VEFA = "{http://difi.no/xsd/vefa/validator/1.0}"
_PEER_DOCUMENTS = 6


def run(data: Path, report: Report) -> dict[str, Any]:
    warm_up()
    cases, met = _unit_cases(need(data / "einvoices" / "en16931" / "test"), report)
    hybrids, read = _hybrid_pdfs(need(data / "invoices" / "zugferd-pdf"), report)
    others, crashed = _other_files(data / "invoices", report)
    per_second = _speed(need(data / "einvoices" / "xrechnung-testsuite"), report)
    return {
        "unit_cases": cases,
        "unit_cases_met": met,
        "hybrid_pdfs": hybrids,
        "hybrid_read": read,
        "other_files": others,
        "other_files_crashed": crashed,
        "per_second": round(per_second, 1),
    }


@dataclass(frozen=True)
class Case:
    """One test of a test set: a document, and the rules that it breaks and keeps."""

    number: int
    scope: frozenset[str]
    errors: Counter[str]
    warnings: Counter[str]
    successes: frozenset[str]
    document: bytes

    def misses(self, found: list[tuple[str, str]]) -> list[str]:
        """What the findings (rule id, severity) have too much or too little, in words."""
        counted = {
            severity: Counter(rule for rule, kind in found if kind == severity)
            for severity in ("fatal", "warning")
        }
        expected = {"fatal": self.errors, "warning": self.warnings}
        misses = []
        for severity, rules in expected.items():
            for rule, times in rules.items():
                seen = counted[severity][rule]
                # `number` says how often; without it once or more.
                if seen == 0 or (times > 1 and seen != times):
                    misses.append(f"{severity} {rule}: {seen} times instead of {times}")
            for rule in counted[severity]:
                if rule in self.scope and rule not in rules:
                    misses.append(f"{severity} {rule}: not expected")
        return misses


def read_cases(path: Path) -> Iterator[Case]:
    """The tests of a `testSet` of the VEFA validator."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    root = etree.fromstring(path.read_bytes(), parser)
    common = root.find(f"{_VEFA}assert")
    for number, test in enumerate(root.iter(f"{_VEFA}test"), start=1):
        own = test.find(f"{_VEFA}assert")
        errors, warnings, successes, scope = Counter(), Counter(), Counter(), Counter()
        for expectations in (common, own):
            errors += _rules(expectations, "error", "fatal")
            warnings += _rules(expectations, "warning")
            successes += _rules(expectations, "success")
            scope += _rules(expectations, "scope")
        document = next(
            (child for child in test if child.tag not in {f"{_VEFA}assert", f"{_VEFA}note"}), None
        )
        if document is None:
            continue
        named = {*scope, *errors, *warnings, *successes}
        yield Case(
            number=number,
            scope=frozenset(named),
            errors=errors,
            warnings=warnings,
            successes=frozenset(successes),
            document=etree.tostring(document, with_tail=False),
        )


def _rules(expectations: Any, *kinds: str) -> Counter[str]:
    """Rule ids under elements such as <error number="2">BR-16 BR-17</error>."""
    found: Counter[str] = Counter()
    if expectations is None:
        return found
    for kind in kinds:
        for node in expectations.iter(f"{_VEFA}{kind}"):
            times = node.get("number", "1").strip()
            for rule in (node.text or "").replace(",", " ").split():
                found[rule] += int(times) if times.isdigit() else 1
    return found


def _unit_cases(folder: Path, report: Report) -> tuple[int, int]:
    rows = []
    total = met = 0
    for suite in sorted(path for path in folder.iterdir() if path.name.endswith("-unit-UBL")):
        cases = kept = 0
        for path in sorted(suite.glob("*.xml")):
            for case in read_cases(path):
                validation = validate(case.document, "ubl")
                found = [(finding.rule_id, finding.severity) for finding in validation.findings]
                misses = case.misses(found)
                cases += 1
                kept += not misses
                report.row(
                    measure="unit case",
                    name=f"{suite.name}/{path.name}#{case.number}",
                    met=not misses,
                    detail="; ".join(misses),
                    seconds=validation.seconds,
                )
                if misses:
                    report.say(f"{suite.name}/{path.name} test {case.number}: {'; '.join(misses)}")
        rows.append([suite.name, cases, kept, cases - kept])
        total += cases
        met += kept
    report.table("Unit cases of EN 16931 in UBL", ["suite", "cases", "met", "not met"], rows)
    return total, met


def _hybrid_pdfs(folder: Path, report: Report) -> tuple[int, int]:
    """Read from its XML: outcome "read", and the very XML that lies beside as the truth."""
    paths = sorted(folder.glob("*.pdf"))
    read = 0
    seconds = []
    for path in paths:
        began = time.perf_counter()
        reading = read_document(path)
        seconds.append(time.perf_counter() - began)
        truth = read_document(path.with_suffix(".truth.xml"))
        good = (
            reading.format == "hybrid"
            and reading.invoice is not None
            and reading.invoice == truth.invoice
            and _canonical(reading.xml) == _canonical(truth.xml)
        )
        read += good
        report.row(measure="hybrid", name=path.name, met=good, seconds=seconds[-1])
        if not good:
            report.say(f"{path.name}: {reading.format}, {reading.outcome}, {reading.reason}")
    report.table(
        "Hybrid PDFs, each in a process of its own",
        ["files", "read from XML", "median s"],
        [[len(paths), read, statistics.median(seconds) if seconds else 0.0]],
    )
    return len(paths), read


def _canonical(xml: str | None) -> bytes:
    return etree.tostring(etree.fromstring(xml.encode()), method="c14n") if xml else b""


def _other_files(folder: Path, report: Report) -> tuple[int, int]:
    """Any other file: whatever the outcome, the reader itself does not fail."""
    outcomes: Counter[tuple[str, str]] = Counter()
    crashed = 0
    paths = [
        path
        for part in ("invoice2data", "sroie")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    ]
    for path in paths:
        reading = read_document(path)
        code = (reading.reason or {}).get("code", "")
        crashed += code in {"reader_crashed", "took_too_long", "took_too_much_memory"}
        outcomes[reading.format, code or reading.outcome] += 1
        report.row(measure="other", name=path.name, met=not crashed, detail=code)
    report.table(
        "Other files",
        ["format", "outcome", "files"],
        [[kind, outcome, count] for (kind, outcome), count in sorted(outcomes.items())],
    )
    return len(paths), crashed


def _speed(folder: Path, report: Report) -> float:
    """Validated invoices per second; the peer gets a few of the same UBL documents."""
    paths = sorted(folder.rglob("*_ubl.xml"))
    documents = [path.read_bytes() for path in paths]
    seconds = [validate(document, "ubl").seconds for document in documents * 3]
    for path, taken in zip(paths * 3, seconds, strict=True):
        report.row(measure="rules", name=path.name, seconds=taken)
    few = documents[:_PEER_DOCUMENTS]
    with _SaxonService() as url:
        logging.getLogger("factur-x").setLevel(logging.CRITICAL)
        report.race(
            f"Rules of EN 16931 on {len(few)} XRechnung invoices in UBL",
            {
                "pergola": lambda: [validate(document, "ubl") for document in few],
                "factur-x": lambda: [_peer(document, url) for document in few],
            },
            rounds=3,
        )
    return len(seconds) / sum(seconds)


def _peer(document: bytes, url: str) -> bool:
    try:
        return bool(
            xml_check_schematron(
                document,
                flavor="ubl-2.1",
                level="en16931",
                saxon_server_url=url,
                saxon_server_raise_if_http_error=True,
            )
        )
    except RuntimeError:
        raise
    except Exception:
        # How factur-x says that rules are broken.
        return False


class _SaxonService:
    """What factur-x needs beside it: a service that compiles what it is sent and runs it."""

    def __enter__(self) -> str:
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve_saxon, args=(sender,), daemon=True)
        self._process.start()
        return f"http://127.0.0.1:{receiver.recv()}/transform"

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.join()


def _serve_saxon(sender: Any) -> None:
    from email import message_from_bytes

    from saxonche import PySaxonProcessor

    saxon = PySaxonProcessor(license=False)
    compiler = saxon.new_xslt30_processor()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            body = message_from_bytes(head + self.rfile.read(int(self.headers["Content-Length"])))
            parts = {
                str(part.get_param("name", header="content-disposition")): part.get_payload(
                    decode=True
                ).decode()
                for part in body.get_payload()
            }
            stylesheet = compiler.compile_stylesheet(stylesheet_text=parts["xsl"])
            answer = stylesheet.transform_to_string(
                xdm_node=saxon.parse_xml(xml_text=parts["xml"])
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: Any) -> None:
            """Quiet: the bench prints its own tables."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    sender.send(server.server_port)
    server.serve_forever()
