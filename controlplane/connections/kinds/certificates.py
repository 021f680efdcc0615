"""Certificates as people paste them."""

from cryptography import x509
from django.utils.translation import gettext as _

MOST_CERTIFICATES = 10


def certificates_fault(pem: str) -> str:
    """What is wrong with certificates one after the other, RFC 7468, or an empty text."""
    if "PRIVATE KEY" in pem:
        return _("has a private key, which belongs nowhere but where it is used")
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return _("is a certificate as PEM, from -----BEGIN CERTIFICATE----- to its END")
    if len(found) > MOST_CERTIFICATES:
        return _("has more than %(most)d certificates") % {"most": MOST_CERTIFICATES}
    return ""
