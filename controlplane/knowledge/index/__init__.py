"""Where passages are searched: PostgreSQL, or a Weaviate where one is set."""

from functools import cache

from django.conf import settings

from controlplane.knowledge.index.port import PassageIndex


def passage_index() -> PassageIndex:
    """The index of this deployment, made once per process for each address."""
    return _index(settings.WEAVIATE_URL)


@cache
def _index(weaviate_url: str) -> PassageIndex:
    if weaviate_url:
        from controlplane.knowledge.index.weaviate import WeaviateIndex

        return WeaviateIndex()
    from controlplane.knowledge.index.postgres import PostgresIndex

    return PostgresIndex()
