"""Partners, tenants, members and keys, for the platform's admins."""

from tenants.admin import keys, members, partners, people, support, tenants

__all__ = ["keys", "members", "partners", "people", "support", "tenants"]
