"""What each partner tier gives its tenants; a `Quota` row says otherwise for one tenant."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from tenants.models.tenants import Tenant

GIB = 1024**3
USD = 1_000_000


class Resource(models.TextChoices):
    REQUESTS = "requests", _("Requests a minute")
    EVENTS = "events", _("Events a day (UTC)")
    STORAGE = "storage", _("Storage, in bytes")
    MODEL_SPEND = "model_spend", _("Language models a month (UTC), in millionths of a US dollar")


LARGEST = 2**63 - 1
"""That the column takes, in the resource's own unit."""


@dataclass(frozen=True)
class Unit:
    """What people write an amount in: `size` of it is one in the resource's own unit."""

    label: Any
    size: int = 1
    places: int = 0
    written: str = "{}"


_UNITS = {
    Resource.STORAGE: Unit(_("Storage, in GiB"), GIB, 2, "{} GiB"),
    Resource.MODEL_SPEND: Unit(_("Language models a month (UTC), in US dollars"), USD, 2, "US$ {}"),
}


def unit_of(resource: str) -> Unit:
    return _UNITS.get(Resource(resource)) or Unit(Resource(resource).label)


def written(resource: str, amount: int) -> str:
    """For people, in their language: 10.00 GiB, US$ 25,00."""
    unit = unit_of(resource)
    figure = round(Decimal(amount) / unit.size, unit.places)
    return unit.written.format(number_format(figure, unit.places, force_grouping=True))


# By `Partner.Tier`. Without an import: the models ask this module.
PLANS: dict[str, dict[str, int]] = {
    "standard": {
        Resource.REQUESTS: 1_200,
        Resource.EVENTS: 50_000,
        Resource.STORAGE: 10 * GIB,
        Resource.MODEL_SPEND: 25 * USD,
    },
    "advanced": {
        Resource.REQUESTS: 3_000,
        Resource.EVENTS: 200_000,
        Resource.STORAGE: 50 * GIB,
        Resource.MODEL_SPEND: 100 * USD,
    },
    "strategic": {
        Resource.REQUESTS: 12_000,
        Resource.EVENTS: 1_000_000,
        Resource.STORAGE: 250 * GIB,
        Resource.MODEL_SPEND: 500 * USD,
    },
}


def allowances(tier: str | None, quotas: Iterable[tuple[str, int]]) -> dict[str, int]:
    """By resource, in the resource's own unit: the plan of the lead partner's tier, and what a
    tenant's quotas say instead."""
    return PLANS[tier or "standard"] | dict(quotas)


def allowances_of(tenant: "Tenant") -> dict[str, int]:
    """A task or a command asks inside of the tenant, whose role may read neither of the tables: so
    outside."""
    from tenants.context import outside

    with outside():
        lead = tenant.lead_partner
        return allowances(
            lead.tier if lead else None, tenant.quotas.values_list("resource", "amount")
        )
