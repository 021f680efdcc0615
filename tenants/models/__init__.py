"""Partners, the tenants they serve, who may act there, and with which keys. All shared tables."""

from tenants.models.engagements import Engagement, Ownership
from tenants.models.keys import ApiKey
from tenants.models.leaving import Departure
from tenants.models.members import Member
from tenants.models.names import (
    language_is_offered,
    region_is_a_label,
    slug_is_a_host_label,
    zone_is_known,
)
from tenants.models.partners import Partner
from tenants.models.provisioning import Blueprint, ProvisioningStep, Spare
from tenants.models.tenants import Domain, Tenant

__all__ = [
    "ApiKey",
    "Blueprint",
    "Departure",
    "Domain",
    "Engagement",
    "Member",
    "Ownership",
    "Partner",
    "ProvisioningStep",
    "Spare",
    "Tenant",
    "language_is_offered",
    "region_is_a_label",
    "slug_is_a_host_label",
    "zone_is_known",
]
