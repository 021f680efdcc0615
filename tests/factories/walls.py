"""Where a connection stands: its role and its first schema."""

from django.db import connection

from tenants import grants
from tenants.models import Tenant

APP = ("pergola_app", "public")


def state() -> tuple[str, str]:
    """(role, first schema) as PostgreSQL has them now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_schema()")
        return cursor.fetchone()


def in_north(north: Tenant) -> tuple[str, str]:
    return grants.role_of(north), "t_north"
