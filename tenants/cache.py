"""Cache keys carry the schema, so that one tenant's entry can never answer another's question."""

from controlplane.core.schema import entered_schema


def tenant_key(key: str, key_prefix: str, version: int) -> str:
    return f"{prefix_of(entered_schema())}{key_prefix}:{version}:{key}"


def prefix_of(schema: str) -> str:
    """What all keys of this schema begin with."""
    return f"pergola:{schema}:"
