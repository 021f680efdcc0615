"""An archive that is not one of ours, or not whole, is refused before anything is read from it."""

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tenants.backup.archive import MANIFEST, ArchiveReader, ArchiveRefused, ArchiveWriter

Change = Callable[[dict[str, bytes]], None]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "north.pergola.zip"
    with ArchiveWriter(path) as writer:
        with writer.member("shared.json") as sink:
            sink.write(b"{}")
        with writer.member("tables/orders_order.copy") as sink:
            for number in range(2000):
                sink.write(f"{number}\tHafenstraße\n".encode())
        writer.finish({"tenant": {"slug": "north"}})
    return path


def read(path: Path) -> None:
    with ArchiveReader(path) as reader:
        reader.verify()


def packed_anew(path: Path, change: Change) -> Path:
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
    return path


def test_a_whole_archive_is_read(archive: Path) -> None:
    read(archive)

    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="disk"),
        ArchiveWriter(tmp_path / "a.pergola.zip") as writer,
        writer.member("shared.json"),
    ):
        raise RuntimeError("disk full")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_one_that_was_cut_off_is_refused(archive: Path, share: float) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(ArchiveRefused):
        read(archive)


def test_every_changed_byte_is_found(archive: Path) -> None:
    """But in what no reader looks at: a zip has times and attributes."""
    content = archive.read_bytes()
    with zipfile.ZipFile(archive) as zipped:
        info = zipped.getinfo("tables/orders_order.copy")
    start = info.header_offset + 30 + len(info.filename) + 20
    for at in range(start, start + info.compress_size, max(1, info.compress_size // 25)):
        archive.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        with pytest.raises(ArchiveRefused):
            read(archive)


def _rows(members: dict[str, bytes]) -> None:
    members["tables/orders_order.copy"] = b"1\tElsewhere\n"


def _extra(members: dict[str, bytes]) -> None:
    members["files/" + "a" * 64] = b"came in later"


def _missing(members: dict[str, bytes]) -> None:
    del members["tables/orders_order.copy"]


def _upwards(members: dict[str, bytes]) -> None:
    members["../../etc/cron.d/pergola"] = b"* * * * * root true"


def _absolute(members: dict[str, bytes]) -> None:
    members["/etc/passwd"] = b"root::0:0::/:/bin/sh"


def _no_manifest(members: dict[str, bytes]) -> None:
    del members[MANIFEST]


def _other_format(members: dict[str, bytes]) -> None:
    members[MANIFEST] = json.dumps({**json.loads(members[MANIFEST]), "format": 99}).encode()


def _list(members: dict[str, bytes]) -> None:
    members[MANIFEST] = b"[]"


def _no_json(members: dict[str, bytes]) -> None:
    members[MANIFEST] = b"{"


def _sizes(members: dict[str, bytes]) -> None:
    manifest = json.loads(members[MANIFEST])
    manifest["members"]["tables/orders_order.copy"]["size"] = 3
    members[MANIFEST] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    "change",
    [_rows, _extra, _missing, _upwards, _absolute, _no_manifest, _other_format, _list, _no_json,
     _sizes],
)  # fmt: skip
def test_what_was_packed_anew_is_refused(archive: Path, change: Change) -> None:
    with pytest.raises(ArchiveRefused):
        read(packed_anew(archive, change))


def test_a_link_is_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as zipped:
        link = zipfile.ZipInfo("files/" + "b" * 64)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(link, "/etc/shadow")

    with pytest.raises(ArchiveRefused, match="link"):
        read(archive)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as zipped:
        zipped.writestr("shared.json", "{}")

    with pytest.raises(ArchiveRefused, match="one name"):
        read(archive)


def test_a_bomb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pergola.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped,
        zipped.open("tables/orders_order.copy", "w") as member,
    ):
        for _megabyte in range(100):
            member.write(bytes(1024 * 1024))

    with pytest.raises(ArchiveRefused, match="grow"):
        read(path)


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pergola.zip"
    path.write_bytes(b"\x1f\x8bno zip")

    with pytest.raises(ArchiveRefused, match="no zip"):
        read(path)
    with pytest.raises(ArchiveRefused):
        read(tmp_path / "missing.pergola.zip")
