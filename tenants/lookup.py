"""From a host, a slug, a schema or a key to the tenant.

A process keeps the tenant that it found for a few seconds: the question is asked on every request,
and a suspended tenant may be served that much longer. A key's row is kept for as long as it is the
same row: whoever revokes a key need not wait.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce, JSONObject
from django.http.request import split_domain_port

from controlplane.core.errors import DomainError
from tenants.context import outside
from tenants.limits.plans import allowances
from tenants.models import ApiKey, Domain, Engagement, Quota, Tenant
from tenants.models.keys import KeyText
from tenants.models.tenants import TenantQuerySet

KEPT_FOR_SECONDS = 5.0
MOST_KEPT = 10_000

# PostgreSQL's own mark of a row's version: the transaction that wrote it, and where it stands.
VERSION = """
SELECT (key.xmin, key.ctid)::text
FROM tenants_apikey key JOIN tenants_tenant tenant ON tenant.id = key.tenant_id
WHERE key.prefix = %s AND tenant.status = 'active'
"""

_tenants: dict[tuple[str, str], tuple[float, Tenant]] = {}
_keys: dict[str, tuple[str, ApiKey]] = {}
_attached: dict[str, Callable[[Tenant], Any]] = {}


class TenantUnknown(DomainError):
    code = "tenant_unknown"
    status = 404
    title = "No such tenant"


class KeyRefused(DomainError):
    code = "key_refused"
    status = 401
    title = "The API key was refused"


def attach(name: str, find: Callable[[Tenant], Any]) -> None:
    """From AppConfig.ready, by an app above: what of shared rows a tenant needs to know.

    `find(row)` is asked outside of the tenant; the answer stands in the row's `attached`.
    """
    _attached[name] = find


def forget_tenants() -> None:
    """Drop what this process remembers; called when a tenant is saved here."""
    _tenants.clear()
    _keys.clear()


def tenant_by_slug(slug: str) -> Tenant:
    """Raises TenantUnknown."""
    return _tenant("slug", slug)


def tenant_by_schema(schema: str) -> Tenant:
    """Raises TenantUnknown."""
    return _tenant("schema_name", schema)


def tenant_by_host(host: str) -> Tenant:
    """From a Host header, with or without a port. Raises TenantUnknown."""
    return _tenant("domains__domain", split_domain_port(host)[0])


def _tenant(by: str, name: str) -> Tenant:
    now = time.monotonic()
    if (kept := _tenants.get((by, name))) and now - kept[0] < KEPT_FOR_SECONDS:
        return kept[1]
    with outside():
        tenant = _found(by, name)
    if len(_tenants) >= MOST_KEPT:
        _tenants.clear()
    # A host leads to a key, and that to its tenant's schema: the same row serves both.
    for way in ((by, name), ("slug", tenant.slug), ("schema_name", tenant.schema_name)):
        _tenants[way] = (now, tenant)
    return tenant


def _found(by: str, name: str) -> Tenant:
    """With its production where it is a sandbox, and what no tenant's role may read on both."""
    tenant: Any
    customer: Any
    try:
        tenant = customer = _rows().get(**{by: name})
        if tenant.sandbox_of_id:
            customer = tenant.sandbox_of = _rows().get(pk=tenant.sandbox_of_id)
        # Where production is taken out of service, so is its sandbox.
        if any(row.status != Tenant.Status.ACTIVE for row in (tenant, customer)):
            raise Tenant.DoesNotExist
    except Tenant.DoesNotExist:
        raise TenantUnknown(
            f"There is no active tenant “{name}”. Check the address; a tenant that was suspended "
            "or is still being set up does not answer."
        ) from None
    for row in {tenant, customer}:
        row.host = row.primary_host
        row.allowances = allowances(row.tier, ((q["resource"], q["amount"]) for q in row.amounts))
        row.engaged_partners = row.partners
        row.attached = {name: find(row) for name, find in _attached.items()}
    return tenant  # type: ignore[no-any-return]


@cache
def _rows() -> TenantQuerySet:
    """One query for all of it: in a large fleet, most calls are the first for some seconds.

    Cached as it is asked, which takes longer to put together than to run.
    """
    own = {"tenant": OuterRef("pk")}
    customer = Coalesce(OuterRef("sandbox_of"), OuterRef("pk"))
    return Tenant.objects.annotate(
        primary_host=Subquery(Domain.objects.filter(**own, is_primary=True).values("domain")[:1]),
        tier=Subquery(
            Engagement.objects.filter(tenant=customer, is_lead=True).values("partner__tier")[:1]
        ),
        partners=ArraySubquery(
            Engagement.objects.filter(tenant=customer).order_by("partner").values("partner")
        ),
        amounts=ArraySubquery(
            Quota.objects.filter(**own).values(
                each=JSONObject(resource="resource", amount="amount")
            )
        ),
    )


def key_from_text(text: str) -> ApiKey:
    """The usable key that `pgl_<environment>_<prefix>_<secret>` names, its tenant loaded.

    Raises KeyRefused, also where the environment is another than the tenant's. A key of before
    keys named it is taken without.
    """
    parsed = KeyText.parse(text)
    key = _key(parsed.prefix) if parsed else None
    if key is None or parsed is None or not (key.is_usable and key.matches(parsed)):
        raise KeyRefused(
            "This API key is unknown, was revoked or has expired. Ask for a new one in the portal "
            "under “API keys” and put it into the Pergola credential."
        )
    key.tenant = tenant_by_schema(key.tenant.schema_name)
    return key


def _key(prefix: str) -> ApiKey | None:
    with connection.cursor() as cursor:
        cursor.execute(VERSION, [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    kept = _keys.get(prefix)
    if kept and kept[0] == row[0]:
        return kept[1]
    key = ApiKey.objects.select_related("tenant").filter(prefix=prefix).first()
    if key is not None:
        if len(_keys) >= MOST_KEPT:
            _keys.clear()
        _keys[prefix] = (row[0], key)
    return key
