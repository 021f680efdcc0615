"""What every template may say about whose portal it is."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tenants.members import PLAIN_BRAND, brand_of
from tenants.models import Partner


def brand(request: HttpRequest) -> dict[str, Any]:
    """The lead partner's brand; asked for only when a template shows it."""
    return {"brand": SimpleLazyObject(lambda: brand_shown(request))}


def brand_shown(request: HttpRequest) -> Partner:
    tenant = getattr(request, "tenant", None)
    return PLAIN_BRAND if tenant is None else brand_of(tenant)
