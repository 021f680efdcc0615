"""Five ways to tamper as the database's superuser, and the verifier that names the first bad entry.

The verifier runs as auditors run it: one file out of the export, without anything installed.
"""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from controlplane.audit import signing
from controlplane.audit.checkpoints import ChainBroken, make_checkpoint
from controlplane.audit.models import GENESIS, Checkpoint, Entry
from controlplane.audit.services import record, verify_chain
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import ADA

Rows = list[Entry]
Tamper = Callable[[Rows], Rows]


def note(number: int) -> Entry:
    data = {"total": "119.00 EUR", "number": number, "rate": 0.19, "who": "Łódź 🙂"}
    return record(
        action="order.seen", subject_type="order", subject_id=str(number), data=data, by=ADA
    )


@pytest.fixture
def chain(yard: Tenant) -> None:
    """Twelve entries; checkpoints at 4, 8 and 12."""
    with inside(yard):
        for number in range(1, 13):
            note(number)
            if number % 4 == 0:
                make_checkpoint()


def edit(rows: Rows) -> Rows:
    rows[5].data = {**rows[5].data, "total": "9.00 EUR"}
    return rows


def delete(rows: Rows) -> Rows:
    return rows[:5] + rows[6:]


def reorder(rows: Rows) -> Rows:
    rows[5].subject_id, rows[6].subject_id = rows[6].subject_id, rows[5].subject_id
    rows[5].data, rows[6].data = rows[6].data, rows[5].data
    return rows


def back_date(rows: Rows) -> Rows:
    rows[5].at -= timedelta(days=30)
    return rows


def truncate(rows: Rows) -> Rows:
    return rows[:5]


WAYS = [edit, delete, reorder, back_date, truncate]


def recompute(rows: Rows) -> Rows:
    """Numbers, links and hashes as they have to be, from the first row on."""
    previous = GENESIS
    for number, row in enumerate(rows, start=1):
        row.sequence, row.previous_hash = number, previous
        row.hash = previous = row.computed_hash()
    return rows


def keep(rows: Rows) -> Rows:
    return rows


def rewrite(tenant: Tenant, tamper: Tamper, mend: Tamper, *, checkpoints: bool = False) -> None:
    """As the owner of the tables, whom no grant stops."""
    owner: Any = connections["owner"]
    owner.set_tenant(tenant)
    try:
        rows = mend(tamper(list(Entry.objects.using("owner").order_by("sequence"))))
        Entry.objects.using("owner").all().delete()
        Entry.objects.using("owner").bulk_create(rows)
        if checkpoints:
            Checkpoint.objects.using("owner").all().delete()
    finally:
        owner.set_schema_to_public()


def export(tenant: Tenant, to: Path) -> Path:
    with suppress(CommandError):  # a broken chain: it says so, and has written what is there
        call_command("export_audit", tenant=tenant.slug, out=str(to), stdout=StringIO())
    return to


def verify(archive: Path, *arguments: str) -> tuple[int, str]:
    """The tool out of the archive, isolated from this environment."""
    tool = archive.with_suffix(".py")
    with zipfile.ZipFile(archive) as opened:
        tool.write_bytes(opened.read("verify_audit.py"))
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(tool), str(archive), "--public-key",
         signing.public_key(), *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return run.returncode, run.stdout + run.stderr


def test_an_untouched_chain_holds(chain: None, yard: Tenant, tmp_path: Path) -> None:
    status, told = verify(export(yard, tmp_path / "audit.zip"))

    assert (status, "The chain holds: 12 entries up to 12" in told) == (0, True), told
    assert "Note" not in told


@pytest.mark.parametrize("mend", [keep, recompute], ids=["hashes kept", "hashes recomputed"])
@pytest.mark.parametrize("tamper", WAYS, ids=lambda way: way.__name__)
def test_the_first_bad_entry_is_named(
    chain: None, yard: Tenant, tmp_path: Path, tamper: Tamper, mend: Tamper
) -> None:
    rewrite(yard, tamper, mend)

    status, told = verify(export(yard, tmp_path / "audit.zip"))

    assert status == 1, told
    assert "BROKEN at entry 6: " in told
    assert "5 entries before it hold" in told
    with inside(yard):
        assert verify_chain().broken_at == 6


@pytest.mark.parametrize("mend", [keep, recompute], ids=["hashes kept", "hashes recomputed"])
@pytest.mark.parametrize("tamper", WAYS, ids=lambda way: way.__name__)
def test_a_chain_rewritten_with_its_checkpoints_is_found_by_one_that_was_kept(
    chain: None, yard: Tenant, tmp_path: Path, tamper: Tamper, mend: Tamper
) -> None:
    with zipfile.ZipFile(export(yard, tmp_path / "before.zip")) as opened:
        opened.extract("checkpoints.jsonl", tmp_path)
    rewrite(yard, tamper, mend, checkpoints=True)
    archive = export(yard, tmp_path / "after.zip")

    status, told = verify(archive, "--checkpoint", str(tmp_path / "checkpoints.jsonl"))

    assert status == 1, told
    assert "BROKEN at entry 6: " in told
    if mend is recompute:
        assert "that was kept elsewhere" in told
        # What lies in the database alone cannot tell: the export signed the forgery.
        assert verify(archive)[0] == 0


def test_a_single_checkpoint_finds_a_truncation(chain: None, yard: Tenant, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    with inside(yard):
        newest = Checkpoint.objects.order_by("-number").first()
    assert newest is not None
    kept.write_text(json.dumps(newest.as_line()))
    rewrite(yard, lambda rows: rows[:4], keep, checkpoints=True)

    status, told = verify(export(yard, tmp_path / "a.zip"), "--checkpoint", str(kept))

    assert status == 1
    assert "BROKEN at entry 5: the entry is missing: checkpoint 3 that was kept elsewhere" in told


def test_a_checkpoint_by_another_key_is_believed_by_nobody(
    chain: None, yard: Tenant, tmp_path: Path, settings: Any
) -> None:
    """Who rewrites the chain may also sign it, but only with a key of their own."""
    rewrite(yard, edit, recompute, checkpoints=True)
    known = signing.public_key()
    settings.SECRET_KEY = "another " * 8
    archive = export(yard, tmp_path / "audit.zip")

    status, told = verify(archive)

    assert signing.public_key() != known
    # `verify` passed the key of now: an auditor has the one from before.
    assert status == 0, told
    tool = archive.with_suffix(".py")
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(tool), str(archive), "--public-key", known],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert "by a key that is not the installation's" in run.stdout


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"head": "f" * 64}, "its signature does not hold"),
        ({"sequence": 5}, "its signature does not hold"),
        ({"previous": "f" * 64}, "its signature does not hold"),
    ],
)
def test_a_changed_checkpoint_is_found(
    chain: None, yard: Tenant, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    owner: Any = connections["owner"]
    owner.set_tenant(yard)
    Checkpoint.objects.using("owner").filter(number=2).update(**change)
    owner.set_schema_to_public()

    status, told = verify(export(yard, tmp_path / "audit.zip"))

    assert status == 1
    assert f"BROKEN at entry 5: checkpoint 2 does not hold: {reason}" in told


def test_a_checkpoint_that_was_taken_away_is_found(
    chain: None, yard: Tenant, tmp_path: Path
) -> None:
    owner: Any = connections["owner"]
    owner.set_tenant(yard)
    Checkpoint.objects.using("owner").filter(number=2).delete()
    owner.set_schema_to_public()

    status, told = verify(export(yard, tmp_path / "audit.zip"))

    assert status == 1
    assert "checkpoint 2 does not hold: it is missing" in told


def test_what_was_tampered_with_is_not_signed(chain: None, yard: Tenant) -> None:
    with inside(yard):
        note(13)
    rewrite(yard, edit, recompute)

    with inside(yard), pytest.raises(ChainBroken, match="Entry 6"):
        make_checkpoint()
    with inside(yard):
        assert Checkpoint.objects.count() == 3


def test_entries_that_nobody_has_signed_yet_are_said_to_be_so(
    chain: None, yard: Tenant, tmp_path: Path
) -> None:
    archive = export(yard, tmp_path / "audit.zip")
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    lines = (folder / "checkpoints.jsonl").read_text().splitlines(keepends=True)
    (folder / "checkpoints.jsonl").write_text("".join(lines[:2]))
    archive.rename(tmp_path / "tool.zip")

    run = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify_audit.py"), str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert run.returncode == 0
    assert "entries after 8 are not signed yet" in run.stdout
    assert "the public key was taken from the export itself" in run.stdout


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip"])
def test_what_is_no_export_is_unreadable(tmp_path: Path, content: bytes) -> None:
    from controlplane.audit import verifier

    (tmp_path / "x.zip").write_bytes(content)

    assert verifier.main([str(tmp_path / "x.zip")]) == 2


def test_more_entries_than_one_checkpoint_witnesses_get_several(
    yard: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controlplane.audit.checkpoints.MOST_ENTRIES", 3)
    with inside(yard):
        for number in range(1, 9):
            note(number)
        newest = make_checkpoint()

        assert newest is not None
        assert [each.sequence for each in Checkpoint.objects.all()] == [3, 6, 8]
        assert make_checkpoint() == newest
        assert (verify_chain().broken_at, verify_chain().checkpoints) == (None, 3)


def test_an_empty_chain_needs_no_checkpoint(yard: Tenant) -> None:
    with inside(yard):
        assert make_checkpoint() is None


def test_the_platforms_own_chain_is_exported_too(db: None, tmp_path: Path) -> None:
    note(1)
    call_command("export_audit", out=str(tmp_path / "p.zip"), stdout=StringIO())

    with zipfile.ZipFile(tmp_path / "p.zip") as opened:
        assert json.loads(opened.read("manifest.json"))["chain"] == "platform"


def test_checkpoints_are_kept_in_a_folder_besides(
    yard: Tenant, tmp_path: Path, settings: Any
) -> None:
    from controlplane.audit.sink import send_checkpoint

    settings.AUDIT_SINK = tmp_path.as_uri()
    with inside(yard):
        note(1)
        made = make_checkpoint()
        assert made is not None
        send_checkpoint(made.number)

    (kept,) = tmp_path.glob("*.jsonl")
    assert kept.stem == str(yard.pk)
    assert json.loads(kept.read_text())["content"]["sequence"] == 1
