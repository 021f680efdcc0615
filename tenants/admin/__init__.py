"""Partners, tenants, members and keys, for the platform's admins."""

from tenants.admin import departures, keys, members, partners, people, tenants

__all__ = ["departures", "keys", "members", "partners", "people", "tenants"]
