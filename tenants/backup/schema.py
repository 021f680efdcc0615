"""A schema as the archive's release had it, and from there to today's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from controlplane.core.errors import DomainError
from tenants import grants
from tenants.backup.archive import ArchiveReader
from tenants.backup.shared import USING
from tenants.fingerprint import known_migrations
from tenants.models import Tenant
from tenants.provisioning.blueprint import current_blueprint
from tenants.provisioning.copies import make_empty


class ReleaseDiffers(DomainError):
    code = "backup_release_differs"
    status = 409
    title = "The backup is of a newer release"


def assert_readable(archive: ArchiveReader) -> None:
    """Raises ReleaseDiffers where the archive has migrations that this code does not know."""
    try:
        unknown = _applied(archive) - known_migrations()
        release = str(archive.manifest["release"])
    except (KeyError, TypeError) as error:
        raise archive.refused("its manifest does not say which migrations it has") from error
    if unknown:
        raise ReleaseDiffers(
            f"{archive.path.name} is of release {release}, which has migrations that this one, "
            f"{settings.RELEASE}, does not know ({', '.join(sorted(unknown)[:3])}). Restore it "
            f"with release {release} or a later one."
        )


def build_as_of(archive: ArchiveReader, tenant: Tenant) -> bool:
    """Make the schema as the archive's release had it; returns whether migrations are left to do.

    One of this release is copied, as a new tenant is. Else in the caller's transaction on the
    owner's connection, which is why `migrate_schemas` cannot be used: it closes the connection
    that it is given.
    """
    applied = _applied(archive)
    if applied == known_migrations() and (blueprint := current_blueprint()) is not None:
        grants.make_roles([tenant.schema_name])
        make_empty(blueprint, tenant.schema_name, role=grants.role_of(tenant))
        return False
    with connections[USING].cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(tenant.schema_name)))
    with _executor(tenant) as executor:
        graph = executor.loader.graph
        nodes = {node for node in graph.nodes if ".".join(node) in applied}
        executor.migrate([
            node
            for node in sorted(nodes)
            if not any(
                child.key[0] == node[0] and child.key in nodes
                for child in graph.node_map[node].children
            )
        ])  # fmt: skip
    return applied != known_migrations()


def migrate_on(tenant: Tenant) -> None:
    """From there to today's, in the same transaction."""
    with _executor(tenant) as executor:
        executor.migrate(executor.loader.graph.leaf_nodes())


@contextmanager
def _executor(tenant: Tenant) -> Iterator[MigrationExecutor]:
    connection: Any = connections[USING]
    connection.set_tenant(tenant)
    try:
        yield MigrationExecutor(connection)
    finally:
        connection.set_schema_to_public()


def _applied(archive: ArchiveReader) -> set[str]:
    return set(map(str, archive.manifest["migrations"]))
