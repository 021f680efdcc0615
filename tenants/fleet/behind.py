"""Which tenants are not where today's code wants them."""

from collections.abc import Iterator, Sequence

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.expressions import RawSQL

from tenants.fingerprint import current_fingerprint
from tenants.models import FleetResult, FleetRun, Tenant

PAGE = 200


def standing_tenants(slugs: Sequence[str] = ()) -> QuerySet[Tenant]:
    """Of every status and environment, but only once their schemas have tables."""
    tenants = Tenant.objects.using("owner").filter(
        schema_name__in=RawSQL(
            "SELECT schemaname::text FROM pg_tables WHERE tablename = 'django_migrations'", []
        )
    )
    return tenants.filter(slug__in=slugs) if slugs else tenants


def tenants_behind(slugs: Sequence[str] = (), *, everyone: bool = False) -> QuerySet[Tenant]:
    """Those whose fingerprint is not today's; with `everyone`, all."""
    tenants = standing_tenants(slugs)
    return tenants if everyone else tenants.exclude(schema_fingerprint=current_fingerprint())


def without_result(tenants: QuerySet[Tenant], run: FleetRun) -> Iterator[Tenant]:
    """In pages, so that a large fleet takes no memory; those that come meanwhile are last."""
    left = (
        tenants.filter(~Exists(FleetResult.objects.filter(run=run, tenant=OuterRef("pk"))))
        .order_by("pk")
        .only("slug", "schema_name", "schema_fingerprint")
    )
    page = list(left[:PAGE])
    while page:
        yield from page
        page = list(left.filter(pk__gt=page[-1].pk)[:PAGE])
