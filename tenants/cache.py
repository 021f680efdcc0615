"""Cache keys carry the schema, so that one tenant's entry can never answer another's question."""

from django.db import connection


def tenant_key(key: str, key_prefix: str, version: int) -> str:
    return f"pergola:{connection.schema_name}:{key_prefix}:{version}:{key}"
