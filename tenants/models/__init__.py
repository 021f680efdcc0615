"""Partners, the tenants they serve, who may act there, and with which keys. All shared tables."""

from tenants.models.engagements import Engagement, Ownership
from tenants.models.fleet import FleetResult, FleetRun
from tenants.models.keys import ApiKey
from tenants.models.limits import ModelSpend, Quota
from tenants.models.members import Member
from tenants.models.names import (
    language_is_offered,
    region_is_a_label,
    slug_is_a_host_label,
    zone_is_known,
)
from tenants.models.partners import Partner
from tenants.models.tenants import Domain, Tenant

__all__ = [
    "ApiKey",
    "Domain",
    "Engagement",
    "FleetResult",
    "FleetRun",
    "Member",
    "ModelSpend",
    "Ownership",
    "Partner",
    "Quota",
    "Tenant",
    "language_is_offered",
    "region_is_a_label",
    "slug_is_a_host_label",
    "zone_is_known",
]
