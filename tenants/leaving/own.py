"""Of a tenant's things those that this floor keeps: keys, hosts, people, files, cache, schema."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import redis
from django.conf import settings
from django.db import connections
from psycopg import sql

from tenants import measures
from tenants.cache import prefix_of
from tenants.grants import drop_role, role_of
from tenants.leaving.kinds import Kind
from tenants.models import ApiKey, Domain, Engagement, Member, Tenant


def _files(tenant: Tenant) -> Path:
    return Path(settings.FILES_ROOT) / tenant.schema_name


def _count_files(tenant: Tenant) -> int:
    return sum(path.is_file() for path in _files(tenant).rglob("*"))


def _remove_files(tenant: Tenant) -> None:
    if _files(tenant).exists():
        shutil.rmtree(_files(tenant))


def _cached(cache: redis.Redis, tenant: Tenant) -> Iterator[bytes]:
    # A schema's name has no letter that means something in a pattern.
    yield from cache.scan_iter(match=f"{prefix_of(tenant.schema_name)}*", count=1000)


def _count_cached(tenant: Tenant) -> int:
    with redis.Redis.from_url(settings.REDIS_URL) as cache:
        return sum(1 for _key in _cached(cache, tenant))


def _remove_cached(tenant: Tenant) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as cache:
        for key in _cached(cache, tenant):
            cache.unlink(key)


def _ask(question: str, value: str) -> int:
    with connections["owner"].cursor() as cursor:
        cursor.execute(question, [value])
        return int(cursor.fetchone()[0])


def _count_tables(tenant: Tenant) -> int:
    return _ask("SELECT count(*) FROM pg_tables WHERE schemaname = %s", tenant.schema_name) + _ask(
        "SELECT count(*) FROM pg_namespace WHERE nspname = %s", tenant.schema_name
    )


def _count_roles(tenant: Tenant) -> int:
    return _ask("SELECT count(*) FROM pg_roles WHERE rolname = %s", role_of(tenant))


def _drop_schema(tenant: Tenant) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(tenant.schema_name))
        )


OWN = (
    Kind(
        "API keys",
        lambda tenant: ApiKey.objects.filter(tenant=tenant).count(),
        lambda tenant: ApiKey.objects.filter(tenant=tenant).delete(),
    ),
    Kind(
        "domains",
        lambda tenant: Domain.objects.filter(tenant=tenant).count(),
        lambda tenant: Domain.objects.filter(tenant=tenant).delete(),
    ),
    Kind(
        "memberships",
        lambda tenant: Member.objects.filter(tenant=tenant).count(),
        lambda tenant: Member.objects.filter(tenant=tenant).delete(),
    ),
    Kind(
        "engagements",
        lambda tenant: Engagement.objects.filter(tenant=tenant).count(),
        lambda tenant: Engagement.objects.filter(tenant=tenant).delete(),
    ),
    Kind(
        "measures",
        lambda tenant: measures.count_of(str(tenant.pk)),
        lambda tenant: measures.forget(str(tenant.pk)),
    ),
    Kind("cached values", _count_cached, _remove_cached),
    Kind("files", _count_files, _remove_files),
    Kind("schema and tables", _count_tables, _drop_schema),
    Kind("database roles", _count_roles, lambda tenant: drop_role(tenant.schema_name)),
)
