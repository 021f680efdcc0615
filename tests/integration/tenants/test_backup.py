"""Saving a tenant and putting it back: in its place, beside it, or, if anything is wrong, not."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections
from psycopg import sql

from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.catalog.models import Installation
from controlplane.core.actor import system
from controlplane.events.models import OutboxMessage, Source
from tenants import files
from tenants.backup import export_tenant, restore, restore_tenant, transfer
from tenants.backup.archive import MANIFEST, ArchiveReader, ArchiveRefused
from tenants.backup.restore import RestoreWrong, TenantThere
from tenants.backup.schema import ReleaseDiffers
from tenants.backup.shared import PersonUnclear
from tenants.backup.transfer import SecretsLocked
from tenants.context import inside
from tenants.models import ApiKey, Member, Tenant
from tenants.provisioning.names import SlugRefused
from tests.factories.dumps import dump
from tests.factories.world import parts
from tests.fakes.n8n import FakeN8n

BY = system("tests")
ROLE = f"{connections['owner'].settings_dict['NAME']}_t_copy"
FILES = Path(settings.FILES_ROOT)
# What n8n answers, or does not, changes these after a restore; data keys are wrapped anew.
MENDED = {"audit_entry", "catalog_installation", "events_delivery", "events_subscription",
          "instances_workspace", "vault_datakey"}  # fmt: skip


def rows_of(schema: str) -> dict[str, list[str]]:
    """Every row of every table as text, in order."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s"
            " AND tablename <> 'django_migrations'",
            [schema],
        )
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(
                sql.SQL("SELECT r::text FROM {} r ORDER BY 1").format(sql.Identifier(schema, table))
            )
            found[table] = [row[0] for row in cursor.fetchall()]
    return found


@pytest.fixture
def full_yard(yard: Tenant, n8n: FakeN8n) -> Iterator[Tenant]:
    """With a row of every kind, a file, a key, a member and messages under way; all committed."""
    with inside(yard):
        parts(n8n.url)
        files.store([b"a file of the yard's"], limit=100)
    yard.sandboxes.all().delete()  # the world has only the row of one
    ApiKey.issue(tenant=yard, name="by hand", scopes=["orders:review"])
    user = User.objects.create_user("mia", "mia@yard.example", "correct horse battery")
    Member.objects.create(user=user, tenant=yard, role=Member.Role.MANAGER)
    yield yard
    Tenant.objects.filter(slug="copy").delete()
    with connections["owner"].cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS t_copy CASCADE")
        cursor.execute(f"DROP ROLE IF EXISTS {ROLE}")
    for place in (FILES / "t_yard", FILES / "t_copy"):
        for path in place.glob("??/*"):
            path.unlink()


@pytest.fixture
def archive(full_yard: Tenant, tmp_path: Path) -> Path:
    return export_tenant(full_yard, tmp_path)


def people_of(tenant: Tenant) -> set[str]:
    return set(tenant.members.values_list("user__email", flat=True))


def stored(tenant: Tenant) -> set[str]:
    with inside(tenant):
        return {place.name for place in files.stored_files()}


def test_what_is_restored_in_its_place_is_what_was_saved(full_yard: Tenant, tmp_path: Path) -> None:
    before, its_files = rows_of("t_yard"), stored(full_yard)
    keys = set(ApiKey.objects.values_list("pk", "prefix", "secret_sha256"))
    with inside(full_yard):
        head = verify_chain()
    archive = export_tenant(full_yard, tmp_path)
    with inside(full_yard):
        Source.objects.update(name="lost")
        for place in list(files.stored_files()):
            place.unlink()
        files.store([b"came after the backup"], limit=100)
    ApiKey.objects.all().delete()

    done = restore_tenant(archive, by=BY, replace=True)

    after = rows_of("t_yard")
    assert {name: after[name] for name in after.keys() - MENDED} == {
        name: before[name] for name in before.keys() - MENDED
    }
    assert done.rows == sum(map(len, before.values()))
    assert stored(full_yard) == its_files
    assert set(ApiKey.objects.values_list("pk", "prefix", "secret_sha256")) == keys
    with inside(full_yard):
        assert Entry.objects.get(sequence=head.entries).hash == head.head
        assert Entry.objects.get(sequence=head.entries + 1).action == "tenant.restored"
        assert verify_chain().broken_at is None
    last = Entry.objects.order_by("sequence").last()
    assert last
    assert (last.action, last.data["audit_head"]) == ("tenant.restored", head.head)


def test_what_was_under_way_waits_for_a_person(full_yard: Tenant, archive: Path) -> None:
    waiting = set(OutboxMessage.objects.values_list("handler", "reference"))

    restore_tenant(archive, by=BY, replace=True)

    messages = OutboxMessage.objects.all()
    assert {(message.handler, message.reference) for message in messages} == waiting != set()
    assert all(message.failed_at and "backup" in message.last_error for message in messages)


def test_a_copy_stands_beside_its_original_and_shares_nothing(
    full_yard: Tenant, archive: Path
) -> None:
    before = rows_of("t_yard")

    done = restore_tenant(archive, by=BY, as_slug="copy")

    copy = Tenant.objects.get(slug="copy")
    after = rows_of("t_copy")
    assert {name: after[name] for name in after.keys() - MENDED} == {
        name: before[name] for name in before.keys() - MENDED
    }
    assert rows_of("t_yard") == before
    assert dump("t_copy") == dump("t_yard"), "tables, owners and rights too"
    assert copy.pk != full_yard.pk
    assert copy.host == f"copy.{settings.PLATFORM_HOST}"
    assert copy.lead_partner == full_yard.lead_partner
    assert people_of(copy) == people_of(full_yard) >= {"mia@yard.example"}
    assert not copy.api_keys.exists()
    assert full_yard.api_keys.usable(at=copy.created_at).exists()
    assert after["instances_workspace"] == []
    with inside(copy):
        installation = Installation.objects.get()
    assert (installation.status, installation.workflow_id) == (Installation.Status.PENDING, "")
    assert any("API keys" in note for note in done.notes)
    copy.domains.all().delete()
    copy.engagements.all().delete()
    copy.members.all().delete()


def test_an_older_archive_is_migrated_on_the_way_in(full_yard: Tenant, archive: Path) -> None:
    def as_of_before(manifest: dict[str, Any]) -> None:
        manifest["migrations"].remove("knowledge.0003_answer")
        manifest["tables"] = [t for t in manifest["tables"] if t["name"] != "knowledge_answer"]
        del manifest["members"]["tables/knowledge_answer.copy"]
        manifest["release"] = "0.1.0"

    older = with_manifest(archive, as_of_before, without={"tables/knowledge_answer.copy"})

    done = restore_tenant(older, by=BY, replace=True)

    after = rows_of("t_yard")
    assert after["knowledge_answer"] == []
    assert after["orders_order"]
    assert "Migrated from release 0.1.0." in done.notes


def with_manifest(
    archive: Path, change: Callable[[dict[str, Any]], None], without: set[str] = frozenset()
) -> Path:
    with zipfile.ZipFile(archive) as old:
        members = {name: old.read(name) for name in old.namelist() if name not in without}
    manifest = json.loads(members[MANIFEST])
    change(manifest)
    members[MANIFEST] = json.dumps(manifest).encode()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
    return archive


def _newer(manifest: dict[str, Any]) -> None:
    manifest["migrations"].append("orders.0099_from_the_future")


def _other_head(manifest: dict[str, Any]) -> None:
    manifest["audit"]["head"] = "f" * 64


def _more_rows(manifest: dict[str, Any]) -> None:
    manifest["tables"][0]["rows"] += 1


def _other_column(manifest: dict[str, Any]) -> None:
    manifest["tables"][0]["columns"][0] = "id; DROP SCHEMA public"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (_newer, ReleaseDiffers),
        (_other_head, RestoreWrong),
        (_more_rows, RestoreWrong),
        (_other_column, ArchiveRefused),
    ],
)
def test_an_archive_that_does_not_fit_changes_nothing(
    full_yard: Tenant, archive: Path, change: Any, error: type[Exception]
) -> None:
    assert_refused(full_yard, with_manifest(archive, change), error)


def assert_refused(tenant: Tenant, archive: Path, error: type[Exception], **how: Any) -> None:
    """In its place and beside it: nothing is changed, nothing is left."""
    before, its_files, people = rows_of("t_yard"), stored(tenant), User.objects.count()
    for extra in ({"replace": True}, {"as_slug": "copy"}):
        with pytest.raises(error):
            restore_tenant(archive, by=BY, **extra, **how)
        assert rows_of("t_yard") == before
        assert stored(tenant) == its_files
        assert_nothing_of_the_copy()
    assert User.objects.count() == people


def assert_nothing_of_the_copy() -> None:
    assert not Tenant.objects.filter(slug="copy").exists()
    assert rows_of("t_copy") == {}
    assert not list((FILES / "t_copy").glob("??/*"))
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
        assert cursor.fetchone() is None


def test_a_truncated_or_changed_archive_changes_nothing(full_yard: Tenant, archive: Path) -> None:
    content = archive.read_bytes()
    for spoiled in (content[:-200], content[:500] + b"\x00" * 40 + content[540:]):
        archive.write_bytes(spoiled)
        assert_refused(full_yard, archive, ArchiveRefused)


@pytest.mark.parametrize(
    "step", ["write_shared", "build_as_of", "_load_table", "set_sequences", "_assert_whole"]
)
def test_a_crash_in_the_middle_leaves_nothing_half_made(
    full_yard: Tenant, archive: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*given: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(restore, step, crash)
        assert_refused(full_yard, archive, KeyboardInterrupt)

    assert restore_tenant(archive, by=BY, replace=True).rows


def test_a_tenant_that_is_there_is_left_alone(full_yard: Tenant, archive: Path) -> None:
    with pytest.raises(TenantThere, match="--replace"):
        restore_tenant(archive, by=BY)
    for slug in ('x"; DROP SCHEMA public; --', "admin", "pg-yard", "y\u0430rd"):
        with pytest.raises(SlugRefused):
            restore_tenant(archive, by=BY, as_slug=slug)


def test_secrets_need_the_key_or_the_passphrase(
    full_yard: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_key = export_tenant(full_yard, tmp_path / "key")
    by_phrase = export_tenant(full_yard, tmp_path / "phrase", passphrase="seven wooden pergolas")
    with inside(full_yard):
        secret = Source.objects.get(slug="north-only").secret

    assert secret.encode() not in by_phrase.read_bytes()
    for wrong in ("", "eight wooden pergolas"):
        with pytest.raises(SecretsLocked):
            restore_tenant(by_phrase, by=BY, replace=True, passphrase=wrong)
    settings.ENCRYPTION_KEYS, kept = (
        [transfer.Fernet.generate_key().decode()],
        settings.ENCRYPTION_KEYS,
    )
    try:
        with pytest.raises(SecretsLocked, match="ENCRYPTION_KEYS"):
            restore_tenant(by_key, by=BY, replace=True)
        restore_tenant(by_phrase, by=BY, replace=True, passphrase="seven wooden pergolas")
        with inside(full_yard):
            assert Source.objects.get(slug="north-only").secret == secret
    finally:
        settings.ENCRYPTION_KEYS = kept
        # Its data keys are wrapped by the key that is gone again.
        restore_tenant(by_key, by=BY, replace=True)


def test_an_address_of_somebody_else_is_not_taken_for_the_member(
    full_yard: Tenant, archive: Path
) -> None:
    User.objects.filter(username="mia").update(email="another@example.com")

    assert_refused(full_yard, archive, PersonUnclear)


def test_an_archive_makes_nobody_staff_and_carries_no_password(
    full_yard: Tenant, archive: Path, tmp_path: Path
) -> None:
    User.objects.filter(username="mia").update(is_staff=True, is_superuser=True)
    archive = export_tenant(full_yard, tmp_path / "again")
    with_hash = export_tenant(full_yard, tmp_path / "hash", with_passwords=True)
    hashed = User.objects.get(username="mia").password
    User.objects.filter(username="mia").delete()

    restore_tenant(archive, by=BY, replace=True)

    mia = User.objects.get(username="mia")
    assert (mia.is_staff, mia.is_superuser, mia.has_usable_password()) == (False, False, False)
    User.objects.filter(username="mia").delete()
    restore_tenant(with_hash, by=BY, replace=True)
    assert User.objects.get(username="mia").password == hashed


def test_workflows_come_along_where_n8n_answers(
    full_yard: Tenant, n8n: FakeN8n, tmp_path: Path
) -> None:
    n8n.workflows["wf1"] = {
        "id": "wf1", "name": "Review orders", "active": True, "versionId": "v1", "triggerCount": 1,
        "tags": [], "nodes": [], "connections": {}, "settings": {},
    }  # fmt: skip
    with ArchiveReader(export_tenant(full_yard, tmp_path / "up")) as archive:
        assert archive.json("extra/n8n/wf1.json")["name"] == "Review orders"
        assert archive.manifest["warnings"] == []
    for _attempt in range(10):
        n8n.refuse("GET", "/workflows")
    with ArchiveReader(export_tenant(full_yard, tmp_path / "down")) as archive:
        assert archive.names("extra") == []
        assert "n8n" in archive.manifest["warnings"][0]


def test_the_commands_say_what_they_could_not_do(full_yard: Tenant, tmp_path: Path) -> None:
    for words, said in (
        (["backup_tenants", "--tenant", "nobody", "--to", str(tmp_path)], "no tenant nobody"),
        (["restore_tenants", "--from", str(tmp_path)], "no backup"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command(*words)
    archive = export_tenant(full_yard, tmp_path)
    with pytest.raises(CommandError, match="not restored"):
        call_command("restore_tenants", "--from", str(tmp_path))
    archive.write_bytes(archive.read_bytes()[:100])
    with pytest.raises(CommandError, match="cut off"):
        call_command("restore_tenants", "--from", str(tmp_path), "--replace")
