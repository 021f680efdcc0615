"""Partners, tenants, members and keys, for the platform's admins."""

from tenants.admin import (
    agreements,
    departures,
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
    "agreements",
    "departures",
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
