"""An export for auditors: entries, checkpoints, the public key, and the tool that verifies them."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import rfc8785
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from controlplane.audit import signing, verifier
from controlplane.audit.checkpoints import ChainBroken, make_checkpoint
from controlplane.audit.models import Checkpoint, Entry
from controlplane.audit.services import record
from controlplane.audit.verification import AT_ONCE, line_of
from controlplane.core.actor import Actor

FORMAT = "pergola-audit-export-1"
TOOL = "verify_audit.py"
README = """\
An audit trail of Pergola
=========================

{whose}, exported at {at} from {platform}.

entries.jsonl      one entry a line, RFC 8785 JSON; `hash` is the SHA-256 of `content`, and
                   `previous_hash` in it is the hash of the entry before
checkpoints.jsonl  how the chain stood at a time, signed with Ed25519
public_key.txt     the key that signs checkpoints now
manifest.json      what this is an export of
{tool}    verifies all of this; Python 3.9 or newer, nothing to install

    python3 {tool} THIS_ARCHIVE --public-key KEY

Ask for KEY by another way than this archive. Keep this archive: the checkpoints in it prove later
that nobody has cut off or rewritten what they cover. To hold a later export against them:

    python3 {tool} LATER_ARCHIVE --public-key KEY --checkpoint checkpoints.jsonl
"""


def write_export(
    sink: IO[bytes], *, whose: str, progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """The chain that is entered as a ZIP archive. Returns its manifest.

    A checkpoint is made first. Where the chain does not hold none is, the manifest says so, and the
    archive is written all the same: auditors want to see what is there.
    """
    broken = ""
    try:
        make_checkpoint(Checkpoint.MadeFor.EXPORT)
    except ChainBroken as error:
        broken = error.detail
    newest = Checkpoint.objects.order_by("-number").first()
    at = timezone.now()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        count, last = _write_entries(archive, progress)
        # One that was made meanwhile covers entries that the archive does not have.
        fitting = Q(number__lte=newest.number if newest else 0) | Q(sequence__lte=last)
        checkpoints = _write(archive, "checkpoints.jsonl", _checkpoints(fitting))
        manifest = {
            "format": FORMAT,
            "whose": whose,
            "chain": newest.chain if newest else "",
            "exported_at": at.isoformat(),
            "platform": settings.PUBLIC_URL,
            "release": settings.RELEASE,
            "entries": count,
            "checkpoints": checkpoints,
            "public_keys": sorted(signing.own_public_keys()),
            "broken": broken,
        }
        archive.writestr("manifest.json", rfc8785.dumps(manifest))
        archive.writestr("public_key.txt", f"{signing.public_key()}\n")
        archive.writestr(TOOL, Path(verifier.__file__).read_bytes())
        archive.writestr(
            "README.txt",
            README.format(whose=whose, at=at.isoformat(), platform=settings.PUBLIC_URL, tool=TOOL),
        )
    return manifest


def export_for(sink: IO[bytes], *, whose: str, by: Actor) -> dict[str, Any]:
    """As `write_export`, for a person, and with an entry that says so."""
    manifest = write_export(sink, whose=whose)
    record(
        action="audit.exported",
        subject_type="audit",
        subject_id=str(manifest["chain"] or "empty"),
        data={key: manifest[key] for key in ("entries", "checkpoints", "broken")},
        by=by,
    )
    return manifest


def _write(archive: zipfile.ZipFile, name: str, lines: Iterator[dict[str, Any]]) -> int:
    count = 0
    with archive.open(name, "w", force_zip64=True) as member:
        for line in lines:
            member.write(rfc8785.dumps(line) + b"\n")
            count += 1
    return count


def _write_entries(
    archive: zipfile.ZipFile, progress: Callable[[int], None] | None
) -> tuple[int, int]:
    """How many, and the number of the last one."""
    last = 0

    def noted() -> Iterator[dict[str, Any]]:
        nonlocal last
        for line in _entries(progress):
            last = line["content"]["sequence"]
            yield line

    count = _write(archive, "entries.jsonl", noted())
    return count, last


def _entries(progress: Callable[[int], None] | None) -> Iterator[dict[str, Any]]:
    entries = Entry.objects.order_by("sequence").iterator(chunk_size=AT_ONCE)
    for number, entry in enumerate(entries, start=1):
        if progress and number % AT_ONCE == 0:
            progress(number)
        yield line_of(entry)


def _checkpoints(fitting: Q) -> Iterator[dict[str, Any]]:
    for checkpoint in (
        Checkpoint.objects.filter(fitting).order_by("number").iterator(chunk_size=AT_ONCE)
    ):
        yield checkpoint.as_line()
