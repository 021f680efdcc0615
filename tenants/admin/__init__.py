"""Partners, tenants, members and keys, for the platform's admins."""

from tenants.admin import engagements, keys, members, partners, people, tenants

__all__ = ["engagements", "keys", "members", "partners", "people", "tenants"]
