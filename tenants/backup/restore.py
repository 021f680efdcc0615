"""From an archive to a tenant: all of it or none, in one transaction of the owner's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DataError, connections, transaction
from django.utils import timezone
from psycopg import sql

from controlplane.audit.models import GENESIS
from controlplane.audit.services import record, verify_chain
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from controlplane.vault.rings import forget_rings
from tenants import files, grants, lookup
from tenants.backup.archive import ArchiveReader
from tenants.backup.schema import assert_readable, build_as_of, migrate_on
from tenants.backup.shared import USING, SharedRows, fields_of, remove_shared, write_shared
from tenants.backup.tables import Table, copy_in, set_sequences, tables_of
from tenants.backup.transfer import Carrier, arriving, carrier_of
from tenants.context import inside
from tenants.fingerprint import current_fingerprint
from tenants.models import Tenant
from tenants.provisioning import schema_named
from tenants.provisioning.names import check_slug
from tenants.provisioning.steps import plan_steps

Progress = Callable[[str], None]
Mended = Callable[[Tenant, Actor], None]

_after: dict[str, Mended] = {}

log = get_logger(__name__)


class TenantThere(DomainError):
    code = "backup_tenant_there"
    status = 409
    title = "The tenant is there already"


class ProductionMissing(DomainError):
    code = "backup_production_missing"
    status = 409
    title = "The sandbox's production is not here"


class RestoreWrong(DomainError):
    code = "backup_restore_wrong"
    status = 500
    title = "What was restored is not what was saved"


@dataclass
class Restored:
    """`notes` are for the person who restores: what is missing, or theirs to do now."""

    slug: str
    tables: int = 0
    rows: int = 0
    files: int = 0
    notes: list[str] = field(default_factory=list)


def register_after_restore(name: str, mend: Mended) -> None:
    """From AppConfig.ready: `mend(tenant, by)` in the shared schema, once the tenant stands.

    For what lives outside, n8n above all. A DomainError is shown and undoes nothing.
    """
    _after[name] = mend


def restore_tenant(
    path: Path,
    *,
    by: Actor,
    as_slug: str = "",
    replace: bool = False,
    dry_run: bool = False,
    passphrase: str = "",
    progress: Progress = lambda step: None,
) -> Restored:
    """Make the tenant that the archive holds, under `as_slug` if given.

    Every digest is verified before the database is touched. What is outside (n8n above all) is
    mended afterwards as far as it answers; the notes say what is left to do.
    Raises ArchiveRefused, ReleaseDiffers, SecretsLocked, TenantThere, ProductionMissing,
    PersonUnclear, RestoreWrong, SlugRefused; nothing is changed then.
    """
    with ArchiveReader(path) as archive:
        progress("verifying")
        archive.verify()
        assert_readable(archive)
        carrier = carrier_of(archive.manifest.get("secrets"), passphrase=passphrase)
        shared = _shared_of(archive)
        slug = as_slug or str(shared.tenant["slug"])
        with alone("tenants.restore", slug):
            there = Tenant.objects.filter(slug=slug).first()
            _assert_free(there, slug, replace)
            production = _production_of(shared, slug)
            if there is None:
                check_slug(slug, sandbox_of=production)
            done = Restored(slug, notes=list(archive.manifest.get("warnings") or []))
            if dry_run:
                return _planned(archive, done)
            with _files_of(archive, slug, progress) as done.files:
                tenant = _write(
                    archive, shared, slug, there, production, carrier, done, progress
                )  # fmt: skip
            lookup.forget_tenants()
            if there is not None:
                _drop_unknown_files(tenant, archive)
            _note(tenant, archive, by)
            _mend(tenant, by, done, progress)
    return done


def _shared_of(archive: ArchiveReader) -> SharedRows:
    try:
        shared = SharedRows(**archive.json("shared.json"))
        assert isinstance(shared.tenant["slug"], str)
        return shared
    except (TypeError, KeyError, AssertionError) as error:
        raise archive.refused("its shared rows are not as this release writes them") from error


def _assert_free(there: Tenant | None, slug: str, replace: bool) -> None:
    if there is not None and not replace:
        raise TenantThere(
            f"There is a tenant “{slug}” here. Give --replace to put the backup in its place (all "
            "that it has now goes), or --as with another name."
        )


def _production_of(shared: SharedRows, slug: str) -> Tenant | None:
    if not shared.production:
        return None
    found = Tenant.objects.filter(slug=shared.production).first()
    if found is None:
        raise ProductionMissing(
            f"“{shared.tenant['slug']}” is the sandbox of “{shared.production}”, which is not "
            "here. Restore that one first."
        )
    if found.sandboxes.exclude(slug=slug).exists():
        raise TenantThere(
            f"“{found.slug}” has a sandbox already. Remove it first, or restore in its place with "
            "--replace."
        )
    return found


def _planned(archive: ArchiveReader, done: Restored) -> Restored:
    done.tables = len(archive.manifest["tables"])
    done.rows = sum(int(table["rows"]) for table in archive.manifest["tables"])
    done.files = len(archive.names("files"))
    return done


def _write(
    archive: ArchiveReader, shared: SharedRows, slug: str, there: Tenant | None,
    production: Tenant | None, carrier: Carrier, done: Restored, progress: Progress,
) -> Tenant:  # fmt: skip
    """The tenant's row, schema, role and every table; committed together."""
    owner: Any = connections[USING]
    with transaction.atomic(using=USING), _in_shared_schema(owner):
        tenant = _tenant_row(shared, slug, there, production)
        progress("schema")
        if there is not None:
            with owner.cursor() as cursor:
                cursor.execute(
                    sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(
                        sql.Identifier(tenant.schema_name)
                    )
                )
            remove_shared(tenant)
        done.notes += write_shared(shared, tenant, is_copy=slug != shared.tenant["slug"])
        needs_migration = build_as_of(archive, tenant)
        with owner.cursor() as cursor:
            # Some of the statements that build a schema have keys checked at once.
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            _load(archive, tenant, carrier, cursor, done, progress)
            # What was put off until the commit is looked at now, before tables change shape.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _assert_whole(archive, tenant, owner)
        if needs_migration:
            progress("migrating")
            migrate_on(tenant)
            done.notes.append(f"Migrated from release {archive.manifest['release']}.")
        grants.grant_tenant(tenant)
        plan_steps(tenant, stands=True, using=USING)
        # The row changes with the schema: who remembers the data keys it had asks again.
        Tenant.objects.using(USING).filter(pk=tenant.pk).update(
            schema_fingerprint=current_fingerprint(), updated_at=timezone.now()
        )
    forget_rings()
    tenant.refresh_from_db(using="default")
    return tenant


def _tenant_row(
    shared: SharedRows, slug: str, there: Tenant | None, production: Tenant | None
) -> Tenant:
    given = fields_of(Tenant, shared.tenant) | {
        "slug": slug,
        "schema_name": schema_named(slug),
        "sandbox_of_id": production.pk if production else None,
        # Of the schema that is built here; whoever builds it says so.
        "schema_fingerprint": "",
        "release": settings.RELEASE,
    }
    rows = Tenant.objects.using(USING)
    if there is not None:
        del given["id"]
        rows.filter(pk=there.pk).update(**{**given, "schema_name": there.schema_name})
        return rows.get(pk=there.pk)
    if rows.filter(pk=given["id"]).exists():
        del given["id"]
    rows.bulk_create([Tenant(**given)])
    return rows.get(slug=slug)


def _load(
    archive: ArchiveReader, tenant: Tenant, carrier: Carrier, cursor: Any, done: Restored,
    progress: Progress,
) -> None:  # fmt: skip
    saved = {str(said["name"]): said for said in archive.manifest["tables"]}
    here = tables_of(cursor.execute, tenant.schema_name)
    for name in sorted(saved.keys() - {table.name for table in here}):
        if rows := int(saved[name]["rows"]):
            done.notes.append(f"There is no table {name} here: its {rows} rows are left out.")
    for table in here:
        if table.name in saved:
            progress(table.name)
            said = saved[table.name]
            rows = _load_table(archive, tenant, table, said, carrier, cursor)
            done.tables, done.rows = done.tables + 1, done.rows + rows
    set_sequences(cursor.execute, tenant.schema_name)


def _load_table(
    archive: ArchiveReader, tenant: Tenant, table: Table, said: dict[str, Any], carrier: Carrier,
    cursor: Any,
) -> int:  # fmt: skip
    given = Table(table.name, tuple(map(str, said["columns"])))
    if foreign := set(given.columns) - set(table.columns):
        raise archive.refused(f"{table.name} has columns that are not known here: {foreign}")
    # A migration puts the first rows of some tables there: the archive has them too.
    cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(tenant.schema_name, table.name)))
    change = arriving(
        carrier, given, of_schema=str(archive.manifest["tenant"]["schema"]),
        schema=tenant.schema_name,
    )  # fmt: skip
    try:
        rows = copy_in(
            cursor, tenant.schema_name, given, archive.pieces(f"tables/{table.name}.copy"),
            change,
        )  # fmt: skip
    except DataError as error:
        raise archive.refused(f"the rows of {table.name} are not what PostgreSQL wrote") from error
    if rows != int(said["rows"]):
        raise RestoreWrong(f"{table.name} has {rows} rows, and {said['rows']} were saved.")
    return rows


def _assert_whole(archive: ArchiveReader, tenant: Tenant, owner: Any) -> None:
    """The audit chain holds, and ends where it ended."""
    said = archive.manifest["audit"]
    owner.set_tenant(tenant)
    try:
        # Another installation signs by another key; docs/audit.md says how to have it count here.
        state = verify_chain(using=USING, by_any_key=True)
    finally:
        owner.set_schema_to_public()
    if state.broken_at is not None:
        raise RestoreWrong(
            f"The audit chain in {archive.path.name} is broken at entry {state.broken_at}: "
            f"{state.reason}. Nothing was changed; take an earlier backup."
        )
    if (state.last, state.head) != (said["entries"], said["head"] or GENESIS):
        raise RestoreWrong(
            f"The audit chain has {state.last} entries and ends in {state.head[:12]}…, which is "
            "not what was saved. Nothing was changed; take another copy of the backup."
        )


@contextmanager
def _in_shared_schema(owner: Any) -> Iterator[None]:
    owner.set_schema_to_public()
    try:
        yield
    finally:
        owner.set_schema_to_public()


@contextmanager
def _files_of(archive: ArchiveReader, slug: str, progress: Progress) -> Iterator[int]:
    """Put the files there before the rows that name them; take them away if those do not come.

    They are named by their content, so one that is there already is the same one.
    """
    progress("files")
    place = Tenant(slug=slug, schema_name=schema_named(slug))
    added = []
    try:
        names = archive.names("files")
        for name in names:
            # The name alone is asked for here: nothing of the tenant's is read or written.
            with inside(place):
                limit = archive.members[name].size
                stored = files.store(archive.pieces(name), limit=limit, is_restored=True)
            if stored.is_new:
                added.append(stored.sha256)
            if stored.sha256 != name.removeprefix("files/"):
                raise archive.refused(f"{name} is named for another content")
        yield len(names)
    except BaseException:
        with inside(place):
            for sha256 in added:
                files.delete(sha256)
        raise


def _drop_unknown_files(tenant: Tenant, archive: ArchiveReader) -> None:
    """Of what was there before: no row names it any more."""
    with inside(tenant):
        for place in list(files.stored_files()):
            if f"files/{place.name}" not in archive.members:
                files.delete(place.name)


def _note(tenant: Tenant, archive: ArchiveReader, by: Actor) -> None:
    """In the platform's chain and in the tenant's, which goes on from where it was saved."""
    said = archive.manifest
    entry: dict[str, Any] = {
        "action": "tenant.restored",
        "subject_type": "tenant",
        "subject_id": str(tenant.pk),
        "data": {
            "slug": tenant.slug,
            "backup_of": str(said["tenant"]["slug"]),
            "made_at": str(said["made_at"]),
            "audit_head": str(said["audit"]["head"]),
        },
        "by": by,
    }
    with transaction.atomic():
        record(**entry)
    with inside(tenant), transaction.atomic():
        record(**entry)


def _mend(tenant: Tenant, by: Actor, done: Restored, progress: Progress) -> None:
    for name, mend in _after.items():
        progress(name)
        try:
            mend(tenant, by)
        except DomainError as error:
            log.warning("tenant.not_mended", tenant=tenant.slug, what=name, why=error.detail)
            done.notes.append(f"{name}: {error.detail}")
