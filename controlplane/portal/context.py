"""What every template may say about whose portal it is."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tenants.members import PLAIN_BRAND, brand_of
from tenants.models import Partner, SupportEntry
from tenants.support_access import open_entries_of


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


def support(request: HttpRequest) -> dict[str, Any]:
    """Which platform admins are in the tenant now; asked for only by pages that show it."""
    return {"support_entries": SimpleLazyObject(lambda: _support_entries(request))}


def _support_entries(request: HttpRequest) -> list[SupportEntry]:
    return open_entries_of(request.tenant) if getattr(request, "member", None) else []
