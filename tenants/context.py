"""Entering and leaving a tenant. Only doors enter: middleware, the task base, the relay.

`outside` is for a lower-floor question that needs a shared table (who are the members?) while a
tenant is entered; it must not be used inside a transaction that has written for the tenant.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection
from django_tenants.utils import get_public_schema_name, tenant_context

from controlplane.core.logs import bound

if TYPE_CHECKING:
    from tenants.models import Tenant


class NoTenant(Exception):
    """Code that needs a tenant ran outside of one."""


@contextmanager
def inside(tenant: "Tenant") -> Iterator[None]:
    """Run as the tenant: its schema, its role, its name on every log line."""
    with tenant_context(tenant), bound(tenant=tenant.slug):
        yield


@contextmanager
def outside() -> Iterator[None]:
    """Run in the shared schema with the application's own role."""
    before = connection.tenant
    connection.set_schema_to_public()
    try:
        yield
    finally:
        connection.set_tenant(before)


def current_schema() -> str:
    """The schema that is entered. Raises NoTenant in the shared one."""
    if connection.schema_name == get_public_schema_name():
        raise NoTenant("this runs only inside a tenant: enter it at the door")
    return str(connection.schema_name)


def is_inside() -> bool:
    return bool(connection.schema_name != get_public_schema_name())
