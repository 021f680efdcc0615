"""The isolation matrix's world, for tests that call the whole API."""

from tests.integration.isolation.conftest import callers, database, neighbours, world

__all__ = ["callers", "database", "neighbours", "world"]
