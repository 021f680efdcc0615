"""Partners, tenants, members and keys, for the platform's admins."""

from tenants.admin import (
    engagements,
    fleet,
    keys,
    limits,
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
    "engagements",
    "fleet",
    "keys",
    "limits",
    "members",
    "partners",
    "people",
    "retention",
    "security",
    "single_sign_on",
    "support",
    "tenants",
]
