"""Partners, tenants, members and keys, for the platform's admins."""

from tenants.admin import fleet, keys, members, partners, people, tenants

__all__ = ["fleet", "keys", "members", "partners", "people", "tenants"]
