"""Who is at the other end of a request, exactly or as a network."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# A household or an office often has a /24, and of IPv6 a /48, of which it uses every part.
PREFIX_V4, PREFIX_V6 = 24, 48


def address_of(request: HttpRequest) -> str:
    """Who is at the other end; behind a proxy, whom that one names last."""
    if settings.USE_X_FORWARDED:
        named = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if named:
            return named
    return str(request.META.get("REMOTE_ADDR", ""))


def network_of(address: str) -> str:
    """Such as `203.0.113.0/24` or `2001:db8:1::/48`; empty for what is no address."""
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    if isinstance(known, IPv6Address) and known.ipv4_mapped:
        known = known.ipv4_mapped
    prefix = PREFIX_V4 if known.version == 4 else PREFIX_V6
    return str(ip_network((known, prefix), strict=False))
