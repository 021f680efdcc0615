"""Entering and leaving a tenant. Only doors enter: middleware, the task base, the relay.

`outside` is for a lower-floor question that needs a shared table (who are the members?) while a
tenant is entered; it must not be used inside a transaction that has written for the tenant.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connection
from django_tenants.utils import tenant_context

from controlplane.core.logs import bound
from controlplane.core.schema import entered_schema, is_in_tenant

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
    before = _connection().tenant
    _connection().set_schema_to_public()
    try:
        yield
    finally:
        _connection().set_tenant(before)


def current_tenant() -> "Tenant":
    """The tenant that is entered, as its row was found at the door. Raises NoTenant."""
    current_schema()
    tenant: Tenant = _connection().tenant
    return tenant


def current_schema() -> str:
    """The schema that is entered. Raises NoTenant in the shared one."""
    if not is_in_tenant():
        raise NoTenant("this runs only inside a tenant: enter it at the door")
    return entered_schema()


def _connection() -> Any:
    # What django-tenants adds to a connection is unknown to the type of `django.db.connection`.
    return connection
