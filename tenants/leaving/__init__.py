"""A tenant's way out: an archive, a time of grace, removal kind by kind, a certificate."""

from tenants.leaving.departure import announce_leaving, leave_tenant, return_tenant
from tenants.leaving.kinds import Kind, register_removal
from tenants.leaving.removal import remove_tenant

__all__ = [
    "Kind",
    "announce_leaving",
    "leave_tenant",
    "register_removal",
    "remove_tenant",
    "return_tenant",
]
