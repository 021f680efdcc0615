"""Making the archive of one tenant."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from controlplane.core.errors import DomainError
from controlplane.core.logs import get_logger
from tenants.backup import transfer
from tenants.backup.archive import PIECE, SUFFIX, ArchiveWriter
from tenants.backup.shared import read_shared
from tenants.backup.tables import MIGRATIONS, Table, copy_out, snapshot, tables_of
from tenants.context import inside
from tenants.files import stored_files
from tenants.fingerprint import digest_of
from tenants.models import Tenant

Progress = Callable[[str], None]
Collector = Callable[[], Iterator[tuple[str, bytes]]]

_collectors: dict[str, Collector] = {}

log = get_logger(__name__)


def register_collector(name: str, collect: Collector) -> None:
    """From AppConfig.ready: `collect()` runs in the tenant and yields (name, JSON) from outside.

    What it cannot reach it says by a DomainError; the backup is made all the same and says so.
    """
    _collectors[name] = collect


def collectors() -> list[tuple[str, Collector]]:
    """For other archives than a back-up; a collector runs inside the tenant."""
    return list(_collectors.items())


def export_tenant(
    tenant: Tenant,
    folder: Path,
    *,
    passphrase: str = "",
    with_passwords: bool = False,
    progress: Progress = lambda step: None,
) -> Path:
    """Write `<slug>-<time>.pergola.zip` into the folder and say where it is.

    All rows are as at one moment, while the tenant goes on working. An archive that could not be
    finished leaves no file. With a passphrase its secrets can be restored under other keys.
    """
    made_at = datetime.now(UTC)
    path = folder / f"{tenant.slug}-{made_at:%Y%m%dT%H%M%SZ}{SUFFIX}"
    carrier = transfer.UnderPassphrase(passphrase) if passphrase else transfer.AsStored()
    with ArchiveWriter(path) as archive:
        with snapshot() as connection:
            progress("shared rows")
            shared = read_shared(connection.execute, tenant, with_passwords=with_passwords)
            with archive.member("shared.json") as sink:
                sink.write(shared.as_json())
            applied = _applied(connection, tenant)
            head = _audit_head(connection, tenant)
            tables = []
            for table in tables_of(connection.execute, tenant.schema_name):
                progress(table.name)
                tables.append(_table(archive, connection, tenant, table, carrier))
        progress("files")
        _files(archive, tenant)
        warnings = _extras(archive, tenant, progress)
        archive.finish(
            {
                "made_at": made_at.isoformat(),
                "release": settings.RELEASE,
                "tenant": {
                    "slug": tenant.slug,
                    "schema": tenant.schema_name,
                    "name": tenant.name,
                    "environment": tenant.environment,
                    "production": shared.production,
                },
                "fingerprint": digest_of(applied),
                "migrations": applied,
                "tables": tables,
                "audit": head,
                "secrets": carrier.describe(),
                "warnings": warnings,
            }
        )
    log.info("tenant.exported", tenant=tenant.slug, bytes=path.stat().st_size)
    return path


def _table(
    archive: ArchiveWriter, connection: psycopg.Connection[Any], tenant: Tenant, table: Table,
    carrier: transfer.Carrier,
) -> dict[str, Any]:  # fmt: skip
    change = transfer.leaving(carrier, table, schema=tenant.schema_name)
    with archive.member(f"tables/{table.name}.copy") as sink:
        rows = copy_out(connection, tenant.schema_name, table, sink, change)
    return {"name": table.name, "columns": list(table.columns), "rows": rows}


def _files(archive: ArchiveWriter, tenant: Tenant) -> None:
    with inside(tenant):
        for place in stored_files():
            try:
                file = place.open("rb")
            except FileNotFoundError:  # deleted since; no row of the snapshot's future names it
                continue
            with file, archive.member(f"files/{place.name}") as sink:
                for piece in iter(partial(file.read, PIECE), b""):
                    sink.write(piece)


def _extras(archive: ArchiveWriter, tenant: Tenant, progress: Progress) -> list[str]:
    warnings = []
    for name, collect in _collectors.items():
        progress(name)
        try:
            with inside(tenant):
                for item, content in collect():
                    with archive.member(f"extra/{name}/{item}.json") as sink:
                        sink.write(content)
        except DomainError as error:
            log.warning("tenant.export_incomplete", what=name, why=error.detail)
            warnings.append(f"{name} could not be read: {error.detail}")
    return warnings


def _applied(connection: psycopg.Connection[Any], tenant: Tenant) -> list[str]:
    found = connection.execute(
        psycopg.sql.SQL("SELECT app || '.' || name FROM {} ORDER BY 1").format(
            psycopg.sql.Identifier(tenant.schema_name, MIGRATIONS)
        )
    )
    return [row[0] for row in found.fetchall()]


def _audit_head(connection: psycopg.Connection[Any], tenant: Tenant) -> dict[str, Any]:
    found = connection.execute(
        psycopg.sql.SQL("SELECT sequence, hash FROM {} ORDER BY sequence DESC LIMIT 1").format(
            psycopg.sql.Identifier(tenant.schema_name, "audit_entry")
        )
    ).fetchone()
    return {"entries": found[0] if found else 0, "head": found[1] if found else ""}
