"""Partners, tenants, members and keys, for the platform's admins."""

from tenants.admin import (
    fleet,
    keys,
    members,
    partners,
    people,
    retention,
    security,
    single_sign_on,
    support,
    tenants,
)

__all__ = [
    "fleet",
    "keys",
    "members",
    "partners",
    "people",
    "retention",
    "security",
    "single_sign_on",
    "support",
    "tenants",
]
