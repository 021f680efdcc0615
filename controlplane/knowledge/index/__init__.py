"""Where passages are searched: PostgreSQL, or a Weaviate where one is set."""

from functools import cache

from django.conf import settings

from controlplane.knowledge.index.port import PassageIndex
from tenants.models import Tenant
from tenants.residency import allows, entered_region


def passage_index() -> PassageIndex:
    """The index of the tenant that is entered, made once per process for each address."""
    return index_for(entered_region())


def index_for(region: str) -> PassageIndex:
    """Of a tenant of that region: PostgreSQL where the Weaviate that is set stands elsewhere."""
    return _index(settings.WEAVIATE_URL if allows(region, settings.WEAVIATE_REGION) else "")


def count_of(tenant: Tenant) -> int:
    """1 where an index beside the tenant's schema holds something of it, else 0."""
    return int(passage_index().has_tenant(tenant.schema_name))


def drop_of(tenant: Tenant) -> None:
    """What lies within the tenant's schema goes with the schema."""
    if count_of(tenant):
        passage_index().drop_tenant(tenant.schema_name)


@cache
def _index(weaviate_url: str) -> PassageIndex:
    if weaviate_url:
        from controlplane.knowledge.index.weaviate import WeaviateIndex

        return WeaviateIndex()
    from controlplane.knowledge.index.postgres import PostgresIndex

    return PostgresIndex()
