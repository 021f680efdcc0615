"""Mutual TLS, which a proxy in front of Pergola has carried out.

The proxy writes what it found in the client's certificate (a fingerprint or a subject) into a
header. That header is worth something only where nobody else can write it: the platform names it in
MTLS_HEADER and the proxies' addresses in MTLS_PROXIES; without both, nothing of this kind gets in.
"""

import hmac
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from controlplane.events.incoming import Incoming
from controlplane.events.verification import SignatureInvalid

if TYPE_CHECKING:
    from controlplane.events.models import Source


# What a source of this kind is set up with; one that was replaced may be good for a while.
OPTION = "certificate"


def verify(source: "Source", body: bytes, incoming: Incoming) -> None:
    """Raises SignatureInvalid."""
    if not settings.MTLS_HEADER or not settings.MTLS_PROXIES:
        raise SignatureInvalid(
            "This Pergola stands behind no proxy that checks client certificates. Its operator "
            "names the proxy's header in MTLS_HEADER and its addresses in MTLS_PROXIES."
        )
    if not _is_proxy(incoming.peer):
        raise SignatureInvalid(
            "The request did not come through the proxy that checks client certificates. Send it "
            "to the address that this proxy serves."
        )
    given = _plain(incoming.header(settings.MTLS_HEADER)).encode("utf-8", "replace")
    good = [_plain(source.option(OPTION)), _plain(source.previous_at(timezone.now()))]
    if not any([hmac.compare_digest(one.encode(), given) for one in good if one]):
        raise SignatureInvalid(
            f"The client certificate is not the one that source “{source.slug}” was set up with. "
            "Compare its fingerprint (or subject) with the one on the source's page."
        )


def _is_proxy(peer: str) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in ip_network(one, strict=False) for one in settings.MTLS_PROXIES)


def _plain(text: str) -> str:
    """Fingerprints are written with colons or without, in either case."""
    found = text.strip().lower()
    digits = found.replace(":", "")
    is_fingerprint = bool(digits) and all(character in "0123456789abcdef" for character in digits)
    return digits if is_fingerprint else found
