"""Partners, tenants, members and keys, for the platform's admins."""

from tenants.admin import keys, members, partners, people, security, single_sign_on, tenants

__all__ = [
    "keys", "members", "partners", "people", "security", "single_sign_on", "tenants",
]  # fmt: skip
