"""Partners, the tenants they serve, who may act there, and with which keys. All shared tables."""

from tenants.models.agreements import (
    Agreement,
)
from tenants.models.engagements import (
    Engagement,
    Ownership,
)
from tenants.models.fleet import (
    FleetResult,
    FleetRun,
)
from tenants.models.health import (
    TenantHealth,
)
from tenants.models.invitations import (
    Invitation,
)
from tenants.models.keys import (
    ApiKey,
)
from tenants.models.leaving import (
    Departure,
)
from tenants.models.limits import (
    ModelSpend,
    Quota,
)
from tenants.models.members import (
    Member,
)
from tenants.models.names import (
    currency_is_known,
    language_is_offered,
    region_is_a_label,
    slug_is_a_host_label,
    zone_is_known,
)
from tenants.models.partners import (
    Partner,
    PartnerLogo,
)
from tenants.models.provisioning import (
    Blueprint,
    ProvisioningStep,
    Spare,
)
from tenants.models.retention import (
    PurgeRun,
    RetentionRule,
)
from tenants.models.security import (
    KnownNetwork,
    SecurityEvent,
)
from tenants.models.single_sign_on import (
    SingleSignOn,
)
from tenants.models.support import (
    SupportEntry,
)
from tenants.models.tenants import (
    Domain,
    Tenant,
)

__all__ = [
    "Agreement",
    "ApiKey",
    "Blueprint",
    "Departure",
    "Domain",
    "Engagement",
    "FleetResult",
    "FleetRun",
    "Invitation",
    "KnownNetwork",
    "Member",
    "ModelSpend",
    "Ownership",
    "Partner",
    "PartnerLogo",
    "ProvisioningStep",
    "PurgeRun",
    "Quota",
    "RetentionRule",
    "SecurityEvent",
    "SingleSignOn",
    "Spare",
    "SupportEntry",
    "Tenant",
    "TenantHealth",
    "currency_is_known",
    "language_is_offered",
    "region_is_a_label",
    "slug_is_a_host_label",
    "zone_is_known",
]
