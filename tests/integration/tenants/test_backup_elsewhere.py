"""Into another installation, by the guide's own commands: other databases, logins and keys."""

import os
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command

from controlplane.audit.services import verify_chain
from controlplane.events.models import Source
from tenants import files
from tenants.context import inside
from tenants.models import ApiKey, Member, Tenant
from tests.factories.elsewhere import Elsewhere, another_installation
from tests.factories.world import parts
from tests.fakes.n8n import FakeN8n

GUIDE = (settings.BASE_DIR / "docs" / "backup.md").read_text()
COMMANDS = [
    shlex.split(line)[1:]
    for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    for line in block.splitlines()
]
# Tables whose rows n8n, or its absence, changes after a restore, and the trail that says so.
MENDED = {"audit_entry", "catalog_installation", "events_subscription", "events_delivery",
          "instances_workspace", "vault_datakey"}  # fmt: skip


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    with another_installation(tmp_path_factory.mktemp("elsewhere")) as installation:
        yield installation


@pytest.fixture
def full_yard(yard: Tenant, n8n: FakeN8n) -> Iterator[Tenant]:
    with inside(yard):
        parts(n8n.url)
        files.store([b"a file of the yard's"], limit=100)
        Source.objects.create(slug="secret-shop", name="Shop", secret="only we know")
    yard.sandboxes.all().delete()  # the world has only the row of one
    ApiKey.issue(tenant=yard, name="by hand", scopes=["orders:review"])
    user = User.objects.create_user("mia", "mia@yard.example", "correct horse battery")
    Member.objects.create(user=user, tenant=yard, role=Member.Role.MANAGER)
    yield yard
    with inside(yard):
        for place in files.stored_files():
            place.unlink()


def guided(name: str, folder: Path, *extra: str) -> list[str]:
    """The guide's command of that name, at our places."""
    command = next(words for words in COMMANDS if words[0] == name and set(extra) <= set(words))
    paths = {"/srv/backups": str(folder), "/etc/pergola/passphrase": str(folder / "passphrase")}
    return [paths.get(word, word) for word in command]


def rows(url: str, schema: str) -> dict[str, list[str]]:
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]
        ).fetchall()
        return {
            table: [
                row[0]
                for row in connection.execute(
                    f"SELECT r::text FROM {schema}.{table} r ORDER BY 1"  # type: ignore[arg-type]
                )
            ]
            for (table,) in tables
            if table != "django_migrations"
        }


def test_a_whole_fleet_moves_to_another_installation(
    full_yard: Tenant, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    (tmp_path / "passphrase").write_text("seven wooden pergolas\n")
    with inside(full_yard):
        head = verify_chain()
        secrets = {source.slug: source.secret for source in Source.objects.all()}

    call_command(*guided("backup_tenants", tmp_path))
    elsewhere.manage(*guided("migrate_fleet", tmp_path))
    elsewhere.manage(*guided("load_templates", tmp_path))
    planned = elsewhere.manage(*guided("restore_tenants", tmp_path, "--dry-run"))
    with elsewhere.connect() as there:
        assert there.execute("SELECT count(*) FROM tenants_tenant").fetchone() == (0,)
    told = elsewhere.manage(*[w for w in guided("restore_tenants", tmp_path) if w != "--dry-run"])
    verified = elsewhere.manage(*guided("verify_audit", tmp_path))

    assert planned.count("would be restored") == told.count(": restored") == 3
    ours, theirs = os.environ["DATABASE_OWNER_URL"], elsewhere.environment["DATABASE_OWNER_URL"]
    with_secrets = {"events_source", "approvals_waiter"}
    for schema in ("t_north", "t_south", "t_yard"):
        before, after = rows(ours, schema), rows(theirs, schema)
        assert before.keys() == after.keys()
        for table in before.keys() - MENDED - with_secrets:
            assert after[table] == before[table], (schema, table)
        assert set(before["audit_entry"]) < set(after["audit_entry"])
    assert verified.count("head") == 4  # the platform's own among them
    with elsewhere.connect() as there:
        found = there.execute(
            "SELECT hash FROM t_yard.audit_entry WHERE sequence = %s", [head.entries]
        ).fetchone()
        assert found == (head.head,)
        assert there.execute(
            "SELECT count(*), count(failed_at) FROM events_outboxmessage"
        ).fetchone() == (there.execute("SELECT count(*) FROM events_outboxmessage").fetchone() * 2)
        assert ("mia@yard.example", True, "manager") in there.execute(
            "SELECT u.email, u.password LIKE '!%', m.role FROM tenants_member m"
            " JOIN auth_user u ON u.id = m.user_id"
        ).fetchall()
        assert (
            there.execute("SELECT action FROM audit_entry ORDER BY sequence").fetchall()
            == [("tenant.restored",)] * 3
        )
    read = elsewhere.run(
        "-c",
        "import django, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'controlplane.settings';"
        "django.setup()\n"
        "from tenants.lookup import tenant_by_slug, key_from_text\n"
        "from tenants.context import inside\n"
        "from controlplane.events.models import Source\n"
        "yard = tenant_by_slug('yard')\n"
        "with inside(yard): print({s.slug: s.secret for s in Source.objects.all()})",
    )
    assert read.stdout.strip() == str(secrets), read.stderr
    stored = {path.name for path in elsewhere.files.glob("t_yard/??/*")}
    with inside(full_yard):
        assert stored == {place.name for place in files.stored_files()}


def test_a_process_that_is_killed_leaves_nothing_and_the_next_run_restores(
    full_yard: Tenant, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    (tmp_path / "passphrase").write_text("seven wooden pergolas\n")
    call_command(*guided("backup_tenants", tmp_path)[:1], tenant=["yard"], to=tmp_path,
                 passphrase_file=tmp_path / "passphrase")  # fmt: skip
    elsewhere.manage("migrate_fleet")
    words = ["--from", str(tmp_path), "--passphrase-file", str(tmp_path / "passphrase"),
             "--tenant", "yard", "--as", "killed"]  # fmt: skip

    killed = elsewhere.run(
        "-c",
        "import django, os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'controlplane.settings';"
        "django.setup()\n"
        "from django.core.management import call_command\n"
        "from tenants.backup import restore\n"
        "restore._assert_whole = lambda *given: os.kill(os.getpid(), 9)\n"
        f"call_command('restore_tenants', *{words!r})",
    )

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with elsewhere.connect() as there:
        for question in (
            "SELECT 1 FROM pg_namespace WHERE nspname = 't_killed'",
            "SELECT 1 FROM pg_roles WHERE rolname = 'elsewhere_t_killed'",
            "SELECT 1 FROM public.tenants_tenant WHERE slug = 'killed'",
        ):
            assert there.execute(question).fetchone() is None
    told = elsewhere.manage("restore_tenants", *words)
    assert "killed: restored" in told
