"""Invoices: the official unit cases, hybrid PDFs, files that are no invoice, and speed.

The peer is factur-x's own `xml_check_schematron`. It posts document and rules to a Saxon service
for each document; here that service is Saxon itself behind a loopback socket, in a process that
is kept warm, so that what is compared is compiling for each document against compiling once.
"""

import logging
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

from facturx import xml_check_schematron
from lxml import etree

from bench.run import Report, need
from bench.saxon_service import SaxonService
from bench.unit_cases import read_cases
from controlplane.invoices.reading import read_document
from controlplane.invoices.rules import validate, warm_up

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
        failed = code in {"reader_crashed", "took_too_long", "took_too_much_memory"}
        crashed += failed
        outcomes[reading.format, code or reading.outcome] += 1
        report.row(measure="other", name=path.name, met=not failed, detail=code)
    report.table(
        "Other files",
        ["format", "outcome", "files"],
        [[kind, outcome, count] for (kind, outcome), count in sorted(outcomes.items())],
    )
    return len(paths), crashed


def _speed(folder: Path, report: Report) -> float:
    """Invoices per second, by the median; the peer gets a few of the same UBL documents."""
    paths = sorted(folder.rglob("*_ubl.xml"))
    documents = [path.read_bytes() for path in paths]
    seconds = [validate(document, "ubl").seconds for document in documents * 3]
    for path, taken in zip(paths * 3, seconds, strict=True):
        report.row(measure="rules", name=path.name, seconds=taken)
    few = documents[:_PEER_DOCUMENTS]
    with SaxonService() as url:
        logging.getLogger("factur-x").setLevel(logging.CRITICAL)
        report.race(
            f"Rules of EN 16931 on {len(few)} XRechnung invoices in UBL",
            {
                "pergola": lambda: [validate(document, "ubl") for document in few],
                "factur-x": lambda: [_peer(document, url) for document in few],
            },
            rounds=3,
        )
    return 1 / statistics.median(seconds)


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
