"""Which PostgreSQL schema is entered: the one place that knows how django-tenants says it."""

from django.db import connection
from django_tenants.utils import get_public_schema_name


def entered_schema() -> str:
    """The tenant's schema, or the shared one."""
    return str(connection.schema_name)  # type: ignore[attr-defined]  # django-tenants' backend


def is_in_tenant() -> bool:
    return bool(entered_schema() != get_public_schema_name())
