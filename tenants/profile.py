"""What a customer is like in business terms: rules read it, and people see it in the portal.

Said of the customer: a sandbox has its production's, so that rules judge there as they will here.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenants.models.tenants import Tenant


@dataclass(frozen=True)
class Profile:
    """Each is empty where nothing was said. `brand` is the leading partner's short name,
    `ai_assisted` what was agreed of `Agreement.Assistance`."""

    currency: str
    tax_regime: str
    fulfilment: str
    brand: str
    partner_tier: str
    ai_assisted: str


def profile_of(tenant: "Tenant") -> Profile:
    """A task or a command asks inside of the tenant, whose role may read none of it: so outside."""
    from tenants.agreements import agreement_now
    from tenants.context import outside

    with outside():
        agreed = agreement_now(tenant)
        customer, lead = tenant.customer, tenant.lead_partner
        return Profile(
            currency=customer.currency,
            tax_regime=customer.tax_regime,
            fulfilment=customer.fulfilment,
            brand=lead.slug if lead else "",
            partner_tier=lead.tier if lead else "",
            ai_assisted=agreed.ai_assisted if agreed else "",
        )
