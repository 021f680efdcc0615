"""What a tenant takes with it: one archive with tables, files, n8n's workflows and who it was.

The tables are as of one moment. Secrets are left out: whoever holds the archive must not be able to
act in the tenant's name.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections
from django.utils import timezone
from psycopg import sql

from controlplane.core.classification import Kind
from controlplane.core.crypto import EncryptedTextField
from tenants.backup.export import collectors
from tenants.context import inside
from tenants.models import Agreement, Domain, Engagement, Member, Tenant

SUFFIX = ".pergola-export.zip"
_PIECE = 1 << 20


@dataclass(frozen=True)
class Exported:
    """`size` in bytes."""

    path: Path
    sha256: str
    size: int


def export_tenant(tenant: Tenant, folder: Path) -> Path:
    """Write `<slug>-<time>.pergola-export.zip` into the folder; unfinished it leaves no file.

    `tables/*.csv` with a heading, `files/*` by their SHA-256, `extra/n8n/*.json` with the workflows
    as n8n has them, `tenant.json`, and `manifest.json` with the SHA-256 of each of them. Memory
    does not grow with the tenant. Raises what a collector raises: what is in n8n is removed later,
    so an archive without it would be worse than none.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    now = timezone.now()
    path = folder / f"{tenant.slug}-{now:%Y%m%dT%H%M%S%fZ}{SUFFIX}"
    draft = path.with_suffix(".part")
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                _fill(archive, tenant, now.isoformat())
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def digest_of(path: Path) -> Exported:
    """The archive as it lies there now. Raises FileNotFoundError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return Exported(path, digest.hexdigest(), path.stat().st_size)


def _fill(archive: zipfile.ZipFile, tenant: Tenant, at: str) -> None:
    digests: dict[str, str] = {}

    def put(name: str, pieces: Iterable[bytes]) -> None:
        digest = hashlib.sha256()
        with archive.open(name, "w", force_zip64=True) as member:
            for piece in pieces:
                digest.update(piece)
                member.write(piece)
        digests[name] = digest.hexdigest()

    rows: dict[str, int] = {}
    with _snapshot() as owner:
        for table, columns in _tables(owner, tenant.schema_name):
            counted = owner.execute(
                sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(tenant.schema_name, table))
            ).fetchall()
            rows[table] = counted[0][0]
            put(f"tables/{table}.csv", _copied(owner, tenant.schema_name, table, columns))
    files = Path(settings.FILES_ROOT) / tenant.schema_name
    for path in sorted(files.rglob("*")):
        if path.is_file():
            put(f"files/{path.relative_to(files)}", _read(path))
    outside: dict[str, int] = {}
    for kind, collect in collectors():
        outside[kind] = 0
        with inside(tenant):
            for item, content in collect():
                put(f"extra/{kind}/{item}.json", [content])
                outside[kind] += 1
    put("tenant.json", [_as_json(_shared(tenant))])
    manifest = {
        "slug": tenant.slug, "exported_at": at, "release": settings.RELEASE,
        "left_out": {table: sorted(names) for table, names in _secrets().items() if table in rows},
        "rows": rows, "outside": outside, "sha256": digests,
    }  # fmt: skip
    archive.writestr("manifest.json", _as_json(manifest))


@contextmanager
def _snapshot() -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own, which sees one moment from beginning to end."""
    with psycopg.connect(**connections["owner"].get_connection_params()) as owner:
        owner.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        owner.read_only = True
        yield owner


def _tables(owner: psycopg.Connection[Any], schema: str) -> list[tuple[str, list[str]]]:
    return owner.execute(
        "SELECT table_name::text, array_agg(column_name::text ORDER BY ordinal_position)"
        " FROM information_schema.columns WHERE table_schema = %s GROUP BY 1 ORDER BY 1",
        [schema],
    ).fetchall()


def _copied(
    owner: psycopg.Connection[Any], schema: str, table: str, columns: list[str]
) -> Iterator[bytes]:
    kept = [column for column in columns if column not in _secrets().get(table, set())]
    statement = sql.SQL("COPY {} ({}) TO STDOUT WITH (FORMAT csv, HEADER)").format(
        sql.Identifier(schema, table), sql.SQL(", ").join(map(sql.Identifier, kept))
    )
    with owner.cursor() as cursor, cursor.copy(statement) as copy:
        yield from map(bytes, copy)


@cache
def _secrets() -> dict[str, set[str]]:
    """By table, the columns that are encrypted, or that are classified as secrets."""
    found: dict[str, set[str]] = {}
    for model in apps.get_models():
        kinds = model.classified.kinds if hasattr(model, "classified") else {}
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField) or kinds.get(field.name) is Kind.SECRET:
                found.setdefault(model._meta.db_table, set()).add(str(field.column))
    return found


def _shared(tenant: Tenant) -> dict[str, Any]:
    """What the shared tables say of it, without keys and passwords."""
    return {
        "id": tenant.pk,
        "slug": tenant.slug,
        "name": tenant.name,
        "environment": tenant.environment,
        "language": tenant.language,
        "time_zone": tenant.time_zone,
        "region": tenant.region,
        "currency": tenant.currency,
        "tax_regime": tenant.tax_regime,
        "fulfilment": tenant.fulfilment,
        "created_at": tenant.created_at,
        "agreements": list(
            Agreement.objects.filter(tenant=tenant.customer_id)
            .newest_first()
            .values(
                "document",
                "valid_from",
                "agreed_by",
                "data_owner",
                "ai_assisted",
                "processed_in",
                "subprocessors",
            )
        ),
        "domains": list(Domain.objects.filter(tenant=tenant).values_list("domain", flat=True)),
        "engagements": list(
            Engagement.objects.filter(tenant=tenant).values("partner__name", "is_lead")
        ),
        "members": list(
            Member.objects.filter(tenant=tenant).values(
                "role", "user__email", "user__first_name", "user__last_name"
            )
        ),
    }


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _as_json(told: Any) -> bytes:
    return json.dumps(told, cls=DjangoJSONEncoder, indent=1, ensure_ascii=False).encode()
