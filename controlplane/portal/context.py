"""What every template may say about whose portal it is."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tenants.members import PLAIN_BRAND, brand_of
from tenants.models import Partner


def permitted(request: HttpRequest) -> dict[str, Any]:
    """`may.sources`, `may.decide`, …: what the member may, by the names of the permissions."""
    member = getattr(request, "member", None)
    return {"may": dict.fromkeys(member.grant, True) if member else {}}


def brand(request: HttpRequest) -> dict[str, Any]:
    """The lead partner's brand; asked for only when a template shows it."""
    return {"brand": SimpleLazyObject(lambda: brand_shown(request))}


def brand_shown(request: HttpRequest) -> Partner:
    tenant = getattr(request, "tenant", None)
    return PLAIN_BRAND if tenant is None else brand_of(tenant)
