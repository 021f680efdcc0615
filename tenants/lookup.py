"""From a host, a slug, a schema or a key to the tenant.

A process keeps the tenant that it found for a few seconds: the question is asked on every request,
and a suspended tenant may be served that much longer. A key's row is kept for as long as it is the
same row: whoever revokes a key need not wait.
"""

import json
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import DatabaseError, connection
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce, JSONObject
from django.http.request import split_domain_port

from controlplane.core.errors import DomainError
from controlplane.core.schema import is_in_tenant
from tenants.agreements import TODAY
from tenants.context import outside
from tenants.database.remarks import remark
from tenants.limits.plans import allowances
from tenants.models import Agreement, ApiKey, Domain, Engagement, Quota, Tenant
from tenants.models.keys import KeyText
from tenants.models.tenants import TenantQuerySet
from tenants.profile import Profile

KEPT_FOR_SECONDS = 5.0
MOST_KEPT = 10_000

# Stands in the question for the name that is asked for; every kind of name can be read from it.
_ASKED = uuid.UUID(int=0)

# PostgreSQL's own mark of a row's version: the transaction that wrote it, and where it stands.
# Not a join: to plan one takes longer than both look-ups.
VERSION = """
SELECT (key.xmin, key.ctid)::text FROM tenants_apikey key WHERE key.prefix = %s
    AND (SELECT status FROM tenants_tenant tenant WHERE tenant.id = key.tenant_id) = 'active'
"""

USED = """
UPDATE tenants_apikey key SET last_used_at = %(at)s, last_used_network = %(network)s
WHERE key.id = %(id)s AND (key.xmin, key.ctid)::text = %(version)s
RETURNING (key.xmin, key.ctid)::text
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
        tenant = customer = _row(by, name)
        if tenant.sandbox_of_id:
            customer = tenant.sandbox_of = _row("pk", tenant.sandbox_of_id)
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
        amounts = map(json.loads, row.amounts)
        row.allowances = allowances(row.tier, ((q["resource"], q["amount"]) for q in amounts))
        row.engaged_partners = row.partners
        row.profile = Profile(
            currency=customer.currency,
            tax_regime=customer.tax_regime,
            fulfilment=customer.fulfilment,
            brand=row.brand or "",
            partner_tier=row.tier or "",
            ai_assisted=row.assistance or "",
        )
        row.attached = {name: find(row) for name, find in _attached.items()}
    return tenant  # type: ignore[no-any-return]


def _row(by: str, name: str | uuid.UUID) -> Tenant:
    """One query for all of it: in a large fleet, most calls are the first for some seconds.

    Raises Tenant.DoesNotExist.
    """
    statement, values = _question(by)
    for row in Tenant.objects.raw(
        statement, [name if str(v) == str(_ASKED) else v for v in values]
    ):
        return row
    raise Tenant.DoesNotExist


@cache
def _question(by: str) -> tuple[str, tuple[Any, ...]]:
    """As SQL, which takes longer to put together than PostgreSQL takes to answer it."""
    asked: TenantQuerySet = _rows().filter(**{by: _ASKED})
    return asked.query.sql_with_params()


def _rows() -> TenantQuerySet:
    own = {"tenant": OuterRef("pk")}
    customer = Coalesce(OuterRef("sandbox_of"), OuterRef("pk"))
    lead = Engagement.objects.filter(tenant=customer, is_lead=True)
    return Tenant.objects.annotate(
        primary_host=Subquery(Domain.objects.filter(**own, is_primary=True).values("domain")[:1]),
        tier=Subquery(lead.values("partner__tier")[:1]),
        assistance=Subquery(
            Agreement.objects.filter(tenant=customer, valid_from__lte=TODAY)
            .newest_first()
            .values("ai_assisted")[:1]
        ),
        brand=Subquery(lead.values("partner__slug")[:1]),
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
    kept = _keys.get(prefix)
    version = _version(prefix, kept)
    if version is None:
        return None
    if kept and kept[0] == version:
        return kept[1]
    key = ApiKey.objects.select_related("tenant").filter(prefix=prefix).first()
    if key is not None:
        if len(_keys) >= MOST_KEPT:
            _keys.clear()
        _keys[prefix] = (version, key)
    return key


def _version(prefix: str, kept: tuple[str, ApiKey] | None) -> str | None:
    """None where there is no such key, or no active tenant of it.

    Where the key is known, its tenant is most likely entered next: one message for both.
    """
    if kept and not is_in_tenant():
        try:
            row = _connection().ask_before_entering(VERSION, [prefix], kept[1].tenant)
        except DatabaseError:
            # The tenant is gone with its role: then so is the key, or it is another tenant's.
            _keys.pop(prefix, None)
            return _version(prefix, None)
    else:
        with connection.cursor() as cursor:
            cursor.execute(VERSION, [prefix])
            row = cursor.fetchone()
    return row[0] if row else None


def note_use(key: ApiKey, *, at: datetime, network: str) -> None:
    """So that a person sees which keys are in use. Outside of any tenant.

    Nothing is noted where the row is another one by now. Where it is not, what this process keeps
    of it stays good: only these two columns have changed.
    """
    kept = _keys.get(key.prefix)
    if kept is None or kept[1] is not key:
        return
    row = remark(USED, {"at": at, "network": network, "id": key.pk, "version": kept[0]})
    if row is not None:
        key.last_used_at, key.last_used_network = at, network
        _keys[key.prefix] = (row[0], key)


def _connection() -> Any:
    # What our backend adds is unknown to the type of `django.db.connection`.
    return connection
