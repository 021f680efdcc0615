"""The beginning of a chain goes when it is old; the rest verifies from a signed checkpoint."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from controlplane.audit.models import Checkpoint, Entry
from controlplane.audit.services import verify_chain
from controlplane.core.actor import system
from tenants.context import inside
from tenants.models import PurgeRun, Tenant
from tenants.retention import chain as store
from tenants.retention.purge import purge_entered_tenant
from tests.integration.audit.test_tampering import export, note, recompute, rewrite, verify

BY = system("tests")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def aged(rows: list[Entry]) -> list[Entry]:
    """The first six are of 2000: dated so before they are hashed."""
    for number, row in enumerate(rows[:6]):
        row.at = LONG_AGO + timedelta(days=number)
    return rows


@pytest.fixture
def old(yard: Tenant) -> Tenant:
    with inside(yard):
        for number in range(1, 11):
            note(number)
    rewrite(yard, aged, recompute)
    return yard


def purge(tenant: Tenant) -> PurgeRun:
    with inside(tenant):
        return next(r for r in purge_entered_tenant(by=BY) if r.data_class == "audit")


def test_old_entries_go_and_the_rest_verifies(old: Tenant, tmp_path: Path) -> None:
    run = purge(old)

    assert (run.found, run.removed, run.left, run.error) == (6, 6, 0, "")
    with inside(old):
        assert [e.sequence for e in Entry.objects.all()][:2] == [7, 8]
        state = verify_chain()
        assert (state.broken_at, state.entries, state.last) == (None, 5, 11)  # and `purged` itself
        signed = Checkpoint.objects.get(made_for=Checkpoint.MadeFor.PURGE)
        assert (signed.base_sequence, signed.entries) == (6, 4)
    status, told = verify(export(old, tmp_path / "audit.zip"))
    assert (status, "The chain holds: 5 entries up to 11" in told) == (0, True), told


def test_it_goes_on_and_is_purged_again(old: Tenant, tmp_path: Path) -> None:
    purge(old)
    with inside(old):
        note(20)

    assert (purge(old).found, purge(old).error) == (0, "")
    assert verify(export(old, tmp_path / "audit.zip"))[0] == 0


def test_more_taken_away_than_was_signed_is_found(old: Tenant, tmp_path: Path) -> None:
    purge(old)
    rewrite(old, lambda rows: rows[1:], lambda rows: rows)

    status, told = verify(export(old, tmp_path / "audit.zip"))

    assert status == 1
    assert "BROKEN at entry 7: the entry is missing" in told


def test_an_interrupted_purge_leaves_a_chain_that_holds(
    old: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(keys: list[Any]) -> None:
        remove(keys[:2])
        raise RuntimeError("the machine is gone")

    remove = store._remove_as_owner
    monkeypatch.setattr(store, "_remove_as_owner", die)
    assert "RuntimeError" in purge(old).error
    archive = export(old, tmp_path / "audit.zip")
    assert verify(archive)[0] == 0
    with zipfile.ZipFile(archive) as opened:
        first = json.loads(opened.read("entries.jsonl").splitlines()[0])
    assert first["content"]["sequence"] == 3

    monkeypatch.undo()
    assert purge(old).removed == 4
    assert verify(export(old, tmp_path / "later.zip"))[0] == 0


def test_a_checkpoint_of_before_the_purge_still_proves_what_is_left(
    old: Tenant, tmp_path: Path
) -> None:
    with zipfile.ZipFile(export(old, tmp_path / "before.zip")) as opened:
        opened.extract("checkpoints.jsonl", tmp_path)
    purge(old)
    kept = str(tmp_path / "checkpoints.jsonl")
    assert verify(export(old, tmp_path / "after.zip"), "--checkpoint", kept)[0] == 0

    def edit(rows: list[Entry]) -> list[Entry]:
        rows[2].subject_id = "99"
        return rows

    rewrite(old, edit, lambda rows: rows)
    status, told = verify(export(old, tmp_path / "tampered.zip"), "--checkpoint", kept)
    assert (status, "BROKEN at entry 9" in told) == (1, True)


def test_a_chain_that_does_not_hold_is_not_purged(old: Tenant) -> None:
    """It would take away what shows that somebody was at it."""

    def edit(rows: list[Entry]) -> list[Entry]:
        rows[2].subject_id = "99"
        return rows

    rewrite(old, edit, lambda rows: rows)

    run = purge(old)

    assert (run.found, run.removed, run.left) == (6, 0, 0)
    assert "ChainBroken: Entry 3" in run.error
    with inside(old):
        assert Entry.objects.filter(sequence=1).exists()


def test_the_last_entry_stays_however_old(yard: Tenant) -> None:
    with inside(yard):
        for number in range(1, 4):
            note(number)

    def everything(rows: list[Entry]) -> list[Entry]:
        for row in rows:
            row.at = LONG_AGO
        return rows

    rewrite(yard, everything, recompute)
    assert purge(yard).removed == 2
    with inside(yard):
        assert verify_chain().broken_at is None
        assert Entry.objects.order_by("sequence").first().sequence == 3  # type: ignore[union-attr]


def test_an_entry_that_is_young_holds_back_the_older_ones_after_it(yard: Tenant) -> None:
    """A clock that was put back: a chain is cut at one place only."""
    with inside(yard):
        for number in range(1, 4):
            note(number)

    def middle(rows: list[Entry]) -> list[Entry]:
        rows[1].at = LONG_AGO
        return rows

    rewrite(yard, middle, recompute)
    assert purge(yard).removed == 0
    with inside(yard):
        assert Entry.objects.filter(at__lt=timezone.now()).count() == 3
        connections["owner"].close()
