"""What rules about anything can read of the tenant itself: `tenant.environment == "sandbox"`.

A decision keeps what was true then, beside its parameters, so that it comes out the same later.
"""

from dataclasses import asdict
from typing import Any

from tenants.context import current_tenant
from tenants.models import Tenant

SETTINGS = "tenant"
FIELDS: dict[str, str] = {
    "tenant.slug": "The workspace's short name, as in its address",
    "tenant.name": "Its name, for messages",
    "tenant.environment": "production or sandbox",
    "tenant.is_sandbox": "Whether it is for trying: nothing in it reaches customers",
    "tenant.language": "The language it works in, such as en or de",
    "tenant.time_zone": "Its time zone, such as Europe/Berlin",
    "tenant.region": "Where its data must stay, such as eu; empty: anywhere",
    "tenant.currency": "The ISO 4217 code that it keeps its books in; empty where it is not said",
    "tenant.tax_regime": "standard, reverse_charge, exempt or small_business; or empty",
    "tenant.fulfilment": "own_warehouse, drop_ship, third_party or mixed; or empty",
    "tenant.brand": "Short name of the partner that leads, whose brand its people see",
    "tenant.partner_tier": "That partner's tier: standard, advanced or strategic",
    "tenant.ai_assisted": "What was agreed of language models: none, suggest or decide; or empty",
}
SAMPLE: dict[str, Any] = {
    "slug": "sample",
    "name": "Sample Harbour Ltd",
    "environment": "production",
    "is_sandbox": False,
    "language": "en",
    "time_zone": "Europe/Berlin",
    "region": "eu",
    "currency": "EUR",
    "tax_regime": "standard",
    "fulfilment": "own_warehouse",
    "brand": "harbour-partners",
    "partner_tier": "standard",
    "ai_assisted": "suggest",
}


def facts_of(tenant: Tenant) -> dict[str, Any]:
    """Texts and truth values only, each of them always there."""
    return {
        "slug": tenant.slug,
        "name": tenant.name,
        "environment": str(tenant.environment),
        "is_sandbox": tenant.is_sandbox,
        "language": tenant.language,
        "time_zone": tenant.time_zone,
        "region": tenant.region,
        **asdict(tenant.profile),
    }


def settings_now() -> dict[str, Any]:
    """Of the tenant that is entered."""
    return facts_of(current_tenant())
