"""The file: a zip whose manifest names every member with its size and SHA-256.

A zip, since its members are written as they come, of a length that nobody knows before. Nothing in
one is ever unpacked by its name, and nothing is used before all of it was read and found whole.
"""

import hashlib
import json
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from controlplane.core.errors import DomainError

MANIFEST = "manifest.json"
SUFFIX = ".pergola.zip"
FORMAT = 1
PIECE = 256 * 1024
LONGEST_MANIFEST = 64 * 1024 * 1024
# Rows as text shrink to a tenth; what grows a thousandfold is made to fill a disk.
MOST_GROWTH = 200
SMALL = 64 * 1024 * 1024
_MEMBER = re.compile(
    r"manifest\.json|shared\.json|tables/[a-z0-9_]{1,63}\.copy|files/[0-9a-f]{64}"
    r"|extra/[a-z0-9_]{1,40}/[A-Za-z0-9_-]{1,80}\.json"
)


class ArchiveRefused(DomainError):
    code = "backup_archive_refused"
    status = 422
    title = "The archive cannot be used"


@dataclass(frozen=True)
class Member:
    """What the manifest says of one member: bytes, and their SHA-256 in hex."""

    size: int
    sha256: str


class Sink:
    """Where one member is written; counts and digests what passes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        self._digest.update(data)
        self.size += len(data)
        self._file.write(data)

    def member(self) -> Member:
        return Member(self.size, self._digest.hexdigest())


class ArchiveWriter:
    """`with ArchiveWriter(path) as archive:`; the file has its name only once it is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._members: dict[str, Member] = {}

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Only its owner may read it, from the first byte on.
        self._file = os.fdopen(
            os.open(self._draft, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600), "w+b"
        )
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        return self

    @contextmanager
    def member(self, name: str) -> Iterator[Sink]:
        if not _MEMBER.fullmatch(name) or name in self._members:
            raise ValueError(f"no name for a member: {name!r}")
        with self._zip.open(name, "w", force_zip64=True) as file:
            sink = Sink(file)
            yield sink
        self._members[name] = sink.member()

    def finish(self, manifest: dict[str, Any]) -> None:
        """The manifest, and with it the end: call it once, last."""
        members = {name: vars(member) for name, member in self._members.items()}
        text = json.dumps({"format": FORMAT, **manifest, "members": members}, indent=1)
        self._zip.writestr(MANIFEST, text)
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._draft.rename(self.path)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # a full disk is why it ends here
            self._zip.close()
        self._file.close()
        self._draft.unlink(missing_ok=True)


class ArchiveReader:
    """`with ArchiveReader(path) as archive:`. Raises ArchiveRefused for what is not one of ours."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise self.refused("it is no zip, or was cut off", error) from error
        try:
            self._assert_harmless()
            self.manifest = self._read_manifest()
            self.members = self._read_members()
        except BaseException:
            self._zip.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._zip.close()

    def refused(self, why: str, error: Exception | None = None) -> ArchiveRefused:
        said = f" ({error})" if error else ""
        return ArchiveRefused(
            f"{self.path.name}: {why}{said}. Nothing was changed; take another copy of the backup."
        )

    def verify(self) -> None:
        """Read everything and compare each digest. Raises ArchiveRefused."""
        for name, member in self.members.items():
            digest, size = hashlib.sha256(), 0
            for piece in self.pieces(name):
                digest.update(piece)
                size += len(piece)
            if size != member.size or digest.hexdigest() != member.sha256:
                raise self.refused(f"{name} is not what the manifest says that it is")

    def pieces(self, name: str) -> Iterator[bytes]:
        """A member's bytes, never more than the manifest says."""
        left = self.members[name].size
        try:
            with self._zip.open(name) as file:
                while piece := file.read(PIECE):
                    left -= len(piece)
                    if left < 0:
                        raise self.refused(f"{name} is longer than the manifest says")
                    yield piece
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise self.refused(f"{name} cannot be read", error) from error
        except Exception as error:
            if type(error).__module__ == "zlib":
                raise self.refused(f"{name} cannot be read", error) from error
            raise

    def json(self, name: str) -> Any:
        if name not in self.members:
            raise self.refused(f"{name} is missing")
        try:
            return json.loads(b"".join(self.pieces(name)))
        except ValueError as error:
            raise self.refused(f"{name} is no JSON", error) from error

    def names(self, folder: str) -> list[str]:
        return [name for name in self.members if name.startswith(f"{folder}/")]

    def _assert_harmless(self) -> None:
        infos = self._zip.infolist()
        names = [info.filename for info in infos]
        for info in infos:
            if not _MEMBER.fullmatch(info.filename):
                raise self.refused(f"it holds {info.filename[:80]!r}, which no backup of ours does")
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise self.refused(f"{info.filename} is a link or a device")
            if info.flag_bits & 1:
                raise self.refused(f"{info.filename} is encrypted, which Pergola's own never are")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise self.refused(f"{info.filename} is packed in another way than ours")
        if len(set(names)) != len(names):
            raise self.refused("two of its members have one name")
        total = sum(info.file_size for info in infos)
        if total > max(SMALL, MOST_GROWTH * self.path.stat().st_size):
            raise self.refused(f"it would grow to {total} bytes, far more than such data does")

    def _read_manifest(self) -> dict[str, Any]:
        try:
            info = self._zip.getinfo(MANIFEST)
            if info.file_size > LONGEST_MANIFEST:
                raise self.refused("its manifest is too long")
            manifest = json.loads(self._zip.read(MANIFEST))
        except ArchiveRefused:
            raise
        except Exception as error:  # whatever a broken zip or JSON raises means the same here
            raise self.refused("it has no manifest that can be read", error) from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise self.refused(f"its format is not {FORMAT}, the one that this release reads")
        return manifest

    def _read_members(self) -> dict[str, Member]:
        try:
            members = {
                name: Member(int(said["size"]), str(said["sha256"]))
                for name, said in self.manifest["members"].items()
            }
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self.refused("its manifest does not list its members", error) from error
        if set(members) != set(self._zip.namelist()) - {MANIFEST}:
            raise self.refused("the manifest lists other members than there are")
        return members
