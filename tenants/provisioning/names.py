"""Which slugs and hosts a tenant may have. Checked where they come in, before any row is written.

A slug becomes a host name, a schema, a role and a tag in n8n, so it is plain ASCII; a letter that
looks like another is refused with everything else that is none of a to z.
"""

import re

from django.conf import settings

from controlplane.core.errors import DomainError, FieldError
from tenants.models import Tenant

# A sandbox is called like its production, so that much has to stay free of the 40.
SANDBOX = "-sandbox"
LONGEST_SLUG = 32
# What people would take for the platform's own, or what PostgreSQL and django-tenants call theirs.
RESERVED = frozenset(
    {
        "abuse", "account", "accounts", "admin", "administrator", "api", "app", "assets", "auth",
        "autoconfig", "autodiscover", "billing", "cdn", "dashboard", "demo-admin", "docs", "email",
        "ftp", "help", "hostmaster", "imap", "in", "information-schema", "login", "logout", "mail",
        "mx", "n8n", "none", "ns", "null", "operations", "pergola", "pop", "portal", "postgres",
        "postmaster", "public", "root", "security", "smtp", "spare", "sso", "static", "status",
        "support", "system", "t", "template", "template-tenant", "test", "undefined", "webhook",
        "webhooks", "webmaster", "www",
    }
)  # fmt: skip
RESERVED_BEGINNINGS = ("pg-", "spare-", "template-")
_SLUG = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
LONGEST_HOST = 253


class SlugRefused(DomainError):
    code = "tenant_slug_refused"
    status = 422
    title = "The tenant cannot have this short name"


class DomainRefused(DomainError):
    code = "domain_refused"
    status = 422
    title = "The tenant cannot have this domain"


class DomainTaken(DomainError):
    code = "domain_taken"
    status = 409
    title = "Another tenant has this domain"


def schema_named(slug: str) -> str:
    return f"t_{slug.replace('-', '_')}"


def platform_domain(slug: str) -> str:
    """The host that every tenant has."""
    return f"{slug}.{settings.PLATFORM_HOST}"


def check_slug(slug: str, *, sandbox_of: Tenant | None = None) -> None:
    """Raises SlugRefused."""
    if sandbox_of is not None:
        if slug != f"{sandbox_of.slug}{SANDBOX}":
            raise _slug_refused(
                slug,
                f"a sandbox of {sandbox_of.slug} is called {sandbox_of.slug}{SANDBOX}",
            )
        slug = sandbox_of.slug
    if fault := _fault_of_slug(slug, reserved=sandbox_of is None):
        raise _slug_refused(slug, fault)


def check_domain(domain: str) -> str:
    """The host name in lower case. Raises DomainRefused.

    What belongs to the platform is given with the slug and cannot be asked for.
    """
    host = domain.lower() if domain.isascii() else domain
    if fault := _fault_of_host(host):
        raise DomainRefused(
            f"{domain[:80]!r} cannot be a tenant's domain: {fault}. Give a host name such as "
            "orders.example.com.",
            errors=(FieldError("domain", fault),),
        )
    return host


def domain_taken(host: str) -> DomainTaken:
    return DomainTaken(
        f"{host} leads to another tenant already. Take it away there first, or choose another.",
        errors=(FieldError("domain", "is another tenant's"),),
    )


def _slug_refused(slug: str, fault: str) -> SlugRefused:
    return SlugRefused(
        f"{slug[:80]!r} cannot be a tenant's short name: {fault}. Choose one such as north-wind.",
        errors=(FieldError("slug", fault),),
    )


def _fault_of_slug(slug: str, *, reserved: bool) -> str:
    """What is wrong with it, or nothing."""
    if not slug.isascii():
        return "it has letters that are none of a to z, which may only look like them"
    if len(slug) > LONGEST_SLUG:
        return f"it has more than {LONGEST_SLUG} characters"
    if not _SLUG.fullmatch(slug):
        return "it may have lower-case letters, digits and hyphens, and starts with a letter"
    if slug[2:4] == "--":
        return "two hyphens as third and fourth character announce an encoded name"
    if reserved and (
        slug in RESERVED or slug.startswith(RESERVED_BEGINNINGS) or slug.endswith(SANDBOX)
    ):
        return "it is reserved"
    return ""


def _fault_of_host(host: str) -> str:
    if not host.isascii():
        return "it has letters beyond ASCII, which may only look like others"
    if len(host) > LONGEST_HOST:
        return f"it has more than {LONGEST_HOST} characters"
    labels = host.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        return "it is no host name: labels of letters, digits and hyphens with dots between"
    if labels[-1].isdigit():
        return "it is a number, not a name"
    if any(label[2:4] == "--" for label in labels):
        return "an encoded name (xn--…) can be made to look like another's"
    if host == settings.PLATFORM_HOST or host.endswith(f".{settings.PLATFORM_HOST}"):
        return "it is the platform's own"
    if host.endswith((".localhost", ".local", ".internal", ".invalid")):
        return "it leads nowhere outside this machine's network"
    return ""
