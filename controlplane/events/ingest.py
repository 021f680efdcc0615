"""Files and mails that this machine hands over: through the source's own door, signed for it.

Who may run `manage.py ingest` may read the tenant's secrets anyway; so the file is signed here, and
everything after that is what a sender from outside meets.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from controlplane.core.errors import DomainError
from controlplane.core.logs import get_logger
from controlplane.events import signing
from controlplane.events.incoming import Incoming
from controlplane.events.intake import receive
from controlplane.events.kinds import KindUnknown, Received
from controlplane.events.models import Source

# Those that Pergola's own signature opens.
KINDS = frozenset({"mail", "files", "documents", "tickets"})
TYPES = {".eml": "message/rfc822", ".xml": "application/xml", ".pdf": "application/pdf",
         ".csv": "text/csv", ".json": "application/json"}  # fmt: skip
PIECE = 64 * 1024

log = get_logger(__name__)


@dataclass(frozen=True)
class Taken:
    """What became of one file: `received`, or why it was refused."""

    path: Path
    received: Received | None
    refusal: str = ""


def ingest_bytes(*, source: Source, body: bytes, filename: str = "") -> Received:
    """One mail or file. The same again answers with the event that it already is.

    Raises KindUnknown, and what the kind raises.
    """
    if source.kind not in KINDS:
        raise KindUnknown(
            f"“{source}” is of kind “{source.kind}”, which takes no files. Choose a source of one "
            f"of these kinds: {', '.join(sorted(KINDS))}."
        )
    headers = {
        signing.SIGNATURE_HEADER: signing.sign(body, source.secret),
        "Content-Type": TYPES.get(Path(filename).suffix.lower(), "application/octet-stream"),
    }
    if filename:
        headers["Filename"] = quote(filename)
    pieces = (body[at : at + PIECE] for at in range(0, len(body), PIECE))
    whole = Incoming.of(b"", headers)
    return receive(source=source, incoming=Incoming(pieces, whole.headers, len(body)))


def ingest_folder(*, source: Source, folder: Path) -> Iterator[Taken]:
    """Each file in the folder, oldest first: to `done` once its event is durable, or to `refused`.

    A name that begins with a dot, or ends in .part or .tmp, is still being written: it stays.
    """
    waiting = [path for path in folder.iterdir() if path.is_file() and _is_whole(path.name)]
    for path in sorted(waiting, key=lambda path: (path.stat().st_mtime_ns, path.name)):
        body = path.read_bytes()
        try:
            received = ingest_bytes(source=source, body=body, filename=path.name)
        except DomainError as error:
            log.warning("ingest.refused", source=source.slug, code=error.code)
            moved = _move(path, folder / "refused", body)
            moved.with_name(f"{moved.name}.reason.txt").write_text(
                f"{error.code}: {error.detail}\n"
            )
            yield Taken(moved, None, error.detail)
        else:
            yield Taken(_move(path, folder / "done", body), received)


def _is_whole(name: str) -> bool:
    return not name.startswith(".") and not name.endswith((".part", ".tmp"))


def _move(path: Path, to: Path, body: bytes) -> Path:
    """Under its name, or with a piece of its hash where another file has that name there."""
    to.mkdir(exist_ok=True)
    target = to / path.name
    if target.exists():
        target = to / f"{path.stem}.{hashlib.sha256(body).hexdigest()[:8]}{path.suffix}"
    path.replace(target)
    return target
