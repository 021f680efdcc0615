"""Reading invoices from files that strangers sent.

`read_document` is for the server: it runs `entry.read` in a process with limits. Everything else
in this package runs inside that process, without Django.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from controlplane.core import sandbox
from controlplane.invoices.normal import NormalInvoice

SECONDS = 20
MEMORY_MB = 1024

_LIMITS = {
    "time": ("took_too_long", "Reading the file took too long, so it was stopped."),
    "memory": ("took_too_much_memory", "Reading the file took too much memory."),
    "output": ("took_too_much_memory", "What came out of the file was too large to keep."),
    "crash": ("reader_crashed", "The file made the reader stop."),
}
_ADVICE = (
    "The file is kept in quarantine. Have it read again, or ask the sender for the invoice in "
    "another form."
)
PASSING = frozenset(code for code, _message in _LIMITS.values())
"""What says as much of the server as of the file, so that another try may come to more."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What came out of a file. `reason` is {"code", "message"} when it is quarantined."""

    format: Literal["ubl", "cii", "hybrid", "pdf", "unknown"] = "unknown"
    outcome: Literal["read", "to_check", "quarantined"] = "quarantined"
    reason: dict[str, str] | None = None
    invoice: NormalInvoice | None = None
    xml: str | None = None  # what the rules are run on
    xml_name: str = ""  # of the file inside a hybrid PDF
    syntax: Literal["ubl", "cii"] | None = None
    text: str = ""
    pages: int = 0
    # {"name", "value", "confidence" 0..1, "page", "box" [left, top, right, bottom] in points
    # from the top left, "label"}: proposals from a PDF's text, to be checked by a person.
    fields: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)  # {"code", "message", "field"}


def read_document(
    path: Path | str, filename: str = "", content_type: str = "", *, is_last_try: bool = True
) -> Reading:
    """What is in the file; one that cannot be read is quarantined.

    Raises sandbox.Busy where it was not looked at, or not to its end before the last try.
    """
    argument: dict[str, Any] = {
        "path": _absolute(path),
        "filename": filename,
        "content_type": content_type,
    }
    try:
        answer = _run(argument)
    except sandbox.Failed as failed:
        if isinstance(failed, sandbox.Late) and not is_last_try:
            raise sandbox.Busy(
                "The document could not be read in time while the server had much to do. "
                "Try again in a minute."
            ) from failed
        # A page that cannot be shown must not keep a hybrid invoice from being read.
        without_pages = _only_xml(argument) if failed.reason == "crash" else None
        if without_pages is None:
            code, message = _LIMITS[failed.reason]
            return Reading(reason={"code": code, "message": f"{message} {_ADVICE}"})
        answer = without_pages
    invoice = answer.pop("invoice")
    return Reading(**answer, invoice=NormalInvoice.from_json(invoice) if invoice else None)


def _run(argument: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = sandbox.run(
        "controlplane.invoices.reading.entry:read",
        argument,
        seconds=SECONDS,
        memory_mb=MEMORY_MB,
    )
    return answer


def _only_xml(argument: dict[str, Any]) -> dict[str, Any] | None:
    try:
        answer = _run({**argument, "only_xml": True})
    except sandbox.Failed:
        return None
    return answer if answer["outcome"] != "quarantined" else None


def _absolute(path: Path | str) -> str:
    """The reading process works elsewhere. Raises FileNotFoundError, which is no file's fault."""
    return str(Path(path).resolve(strict=True))


def render_page(path: Path | str, *, page: int = 1, width: int = 900) -> dict[str, Any]:
    """A page of a PDF as a picture: `entry.render`'s answer, with a `reason` if there is none."""
    try:
        answer: dict[str, Any] = sandbox.run(
            "controlplane.invoices.reading.entry:render",
            {"path": _absolute(path), "page": page, "width": width},
            seconds=SECONDS,
            memory_mb=MEMORY_MB,
        )
    except sandbox.Failed as failed:
        code, message = _LIMITS[failed.reason]
        return {"png": "", "reason": {"code": code, "message": message}}
    return answer
