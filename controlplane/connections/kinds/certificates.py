"""Certificates as people paste them."""

import ssl

from cryptography import x509
from django.utils.translation import gettext as _

MOST_CERTIFICATES = 10


def certificates_fault(pem: str) -> str:
    """What is wrong with certificates one after the other, RFC 7468, or an empty text."""
    if "PRIVATE KEY" in pem:
        return _("has a private key, which belongs nowhere but where it is used")
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        # What will be asked to trust them is pickier about what stands around them.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ValueError, TypeError, ssl.SSLError):
        return _("is a certificate as PEM, from -----BEGIN CERTIFICATE----- to its END")
    if len(found) > MOST_CERTIFICATES:
        return _("has more than %(most)d certificates") % {"most": MOST_CERTIFICATES}
    return ""
