"""A tenant's files: in a folder of its own, named by what is in them.

The same content is kept once. A path is made from the entered tenant and a SHA-256 only, so no
name from outside ever becomes part of one.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from controlplane.core.errors import DomainError
from tenants.context import current_schema
from tenants.limits import storage

_DIGEST = re.compile(r"[0-9a-f]{64}")


class FileTooLarge(DomainError):
    code = "file_too_large"
    status = 413
    title = "The file is too large"


class FileGone(DomainError):
    code = "file_gone"
    status = 404
    title = "The file is no longer there"


@dataclass(frozen=True)
class StoredFile:
    """`size` in bytes; `is_new` is false where the tenant had the same content already."""

    sha256: str
    size: int
    is_new: bool


def store(chunks: Iterable[bytes], *, limit: int, is_restored: bool = False) -> StoredFile:
    """Write the content as it comes in and give it its name at the end.

    Raises FileTooLarge and LimitReached; then, and where the chunks themselves raise, nothing is
    left behind. What a backup brings back is taken in any case.
    """
    if not is_restored:
        storage.assert_room()
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    handle, name = tempfile.mkstemp(dir=folder, prefix="incoming-")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise FileTooLarge(
                        f"The file has more than {limit} bytes, which is the most that is taken. "
                        "Send a smaller one, or ask the platform's operator to raise the limit."
                    )
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        place = _place(digest.hexdigest())
        is_new = not place.exists()
        if is_new:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.rename(place)
            storage.add(size)
        else:
            os.utime(place)  # so that a purge sees that it is wanted again
    finally:
        draft.unlink(missing_ok=True)
    return StoredFile(digest.hexdigest(), size, is_new)


def path_of(sha256: str) -> Path:
    """Where the entered tenant's file lies. Raises FileGone."""
    place = _place(sha256)
    if not place.is_file():
        raise FileGone(f"This tenant has no file {sha256[:12]}…. Upload the document again.")
    return place


def open_file(sha256: str) -> BinaryIO:
    """Raises FileGone."""
    return path_of(sha256).open("rb")


def read_file(sha256: str) -> bytes:
    """Raises FileGone."""
    return path_of(sha256).read_bytes()


def stored_files() -> Iterator[Path]:
    """Every file of the entered tenant, each named by its SHA-256; drafts are none."""
    for place in sorted(_folder().glob("[0-9a-f][0-9a-f]/*")):
        if _DIGEST.fullmatch(place.name):
            yield place


def delete(sha256: str) -> None:
    """Gone afterwards, also where it was gone before."""
    place = _place(sha256)
    if place.is_file():
        storage.add(-place.stat().st_size)
    place.unlink(missing_ok=True)


def stored_before(time: datetime) -> Iterator[str]:
    """The SHA-256 of each file that was stored, or stored again, before that time."""
    for place in _folder().glob("[0-9a-f][0-9a-f]/*"):
        if _DIGEST.fullmatch(place.name) and place.stat().st_mtime < time.timestamp():
            yield place.name


def _folder() -> Path:
    return Path(settings.FILES_ROOT) / current_schema()


def _place(sha256: str) -> Path:
    if not _DIGEST.fullmatch(sha256):
        raise FileGone("A file is named by the SHA-256 of its content, in 64 hex digits.")
    return _folder() / sha256[:2] / sha256
