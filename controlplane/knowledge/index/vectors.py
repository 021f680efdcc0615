"""Vectors beside the passages, by pgvector where the database has it.

The table is no Django model: where the extension `vector` is missing there is no such table, and
passages are found by their words alone. It belongs to the owner, as every table does, so what
changes its shape goes through the owner's connection.
"""

import uuid
from collections.abc import Mapping, Sequence

from django.db import connection, connections
from pgvector import HalfVector
from psycopg import sql

from controlplane.knowledge.index.port import Vector

TABLE = "knowledge_vector"
HNSW = "knowledge_vector_hnsw"
# Under this an exact search is as fast, finds everything, and needs no index to be built.
HNSW_FROM = 10_000


def exists() -> bool:
    """Whether the entered tenant has the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [TABLE])
        return bool(cursor.fetchone()[0])


def keep(vectors: Mapping[uuid.UUID, Vector]) -> None:
    """Store them by chunk, in place of what was there."""
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {TABLE} (chunk_id, vector) VALUES (%s, %s::halfvec)"  # noqa: S608
            " ON CONFLICT (chunk_id) DO UPDATE SET vector = EXCLUDED.vector",
            [(chunk_id, as_text(vector)) for chunk_id, vector in vectors.items()],
        )


def load(version_id: uuid.UUID) -> dict[uuid.UUID, list[float]]:
    """Those of the version's chunks that are there."""
    if not exists():
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT v.chunk_id, v.vector::text FROM {TABLE} v"  # noqa: S608
            " JOIN knowledge_chunk c ON c.id = v.chunk_id WHERE c.version_id = %s",
            [version_id],
        )
        return {row[0]: HalfVector.from_text(row[1]).to_list() for row in cursor.fetchall()}


def as_text(vector: Vector) -> str:
    """As pgvector reads it. Six digits are more than sixteen bits hold."""
    return "[" + ",".join(f"{number:.6g}" for number in vector) + "]"


def count() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {TABLE}")  # noqa: S608
        return int(cursor.fetchone()[0])


def has_hnsw() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT indisvalid FROM pg_index"
            " WHERE indexrelid = to_regclass(%s)), false)",
            [HNSW],
        )
        return bool(cursor.fetchone()[0])


def build_hnsw(schema: str) -> None:
    """While others read and write. One that an interrupted build left behind is taken away."""
    index, table = sql.Identifier(schema, HNSW), sql.Identifier(schema, TABLE)
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(index))
        cursor.execute(
            sql.SQL(
                "CREATE INDEX CONCURRENTLY {} ON {} USING hnsw (vector halfvec_cosine_ops)"
            ).format(sql.Identifier(HNSW), table)
        )


def delete(chunk_ids: Sequence[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {TABLE} WHERE chunk_id = ANY(%s)",  # noqa: S608
            [list(chunk_ids)],
        )
