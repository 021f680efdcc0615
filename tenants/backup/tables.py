"""Tables as PostgreSQL's COPY writes and reads them: every type, and never a table in memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import psycopg
from django.db import connections
from psycopg import IsolationLevel, sql

from tenants.backup.archive import Sink

MIGRATIONS = "django_migrations"

Row = dict[str, str]
# Of a row by columns, in COPY's text form; what it returns takes the place of what it names.
Change = Callable[[Row], Row]


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[str, ...]


@contextmanager
def snapshot() -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner's on which everything is as at one moment, and nothing is written.

    One of its own: Django's asks for its search_path before the transaction can be told.
    """
    with psycopg.connect(**connections["owner"].get_connection_params()) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def tables_of(execute: Callable[..., Any], schema: str) -> list[Table]:
    """The schema's tables but the migrations', each after those that its rows refer to.

    Where a key can wait for the commit the order does not matter.
    """
    found = execute(
        "SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " AND a.attgenerated = ''"
        " WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind = 'r' GROUP BY 1 ORDER BY 1",
        [f'"{schema}"'],
    ).fetchall()
    columns = {name: tuple(names) for name, names in found if name != MIGRATIONS}
    strict = execute(
        "SELECT t.relname, f.relname FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid"
        " JOIN pg_class f ON f.oid = k.confrelid"
        " WHERE k.contype = 'f' AND NOT k.condeferrable AND k.conrelid <> k.confrelid"
        " AND t.relnamespace = to_regnamespace(%s)",
        [f'"{schema}"'],
    ).fetchall()
    order: TopologicalSorter[str] = TopologicalSorter({name: set() for name in columns})
    for name, before in strict:
        order.add(name, before)
    return [Table(name, columns[name]) for name in order.static_order()]


def copy_out(
    connection: psycopg.Connection[Any],
    schema: str,
    table: Table,
    sink: Sink,
    change: Change | None,
) -> int:
    """Write the table's rows, each changed where asked for; returns how many there are."""
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(
        sql.Identifier(schema, table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    rows = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        # In text form libpq hands over a row at a time.
        for row in copy:
            rows += 1
            sink.write(_changed(bytes(row), table, change))
    return rows


def copy_in(
    cursor: Any, schema: str, table: Table, pieces: Iterable[bytes], change: Change | None
) -> int:
    """Add the rows; returns how many the database took."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(schema, table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    with cursor.copy(statement) as copy:
        if change is None:
            for piece in pieces:
                copy.write(piece)
        else:
            for line in _lines(pieces):
                copy.write(_changed(line, table, change))
    return int(cursor.rowcount)


def set_sequences(execute: Callable[..., Any], schema: str) -> None:
    """Where a column counts by itself: on from the highest that is there."""
    owned = execute(
        "SELECT s.relname, t.relname, a.attname FROM pg_class s"
        " JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i')"
        " JOIN pg_class t ON t.oid = d.refobjid"
        " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid"
        " WHERE s.relkind = 'S' AND s.relnamespace = to_regnamespace(%s)",
        [f'"{schema}"'],
    ).fetchall()
    for sequence, table, column in owned:
        execute(
            sql.SQL(
                "SELECT setval({}::regclass, greatest(1, max({})), max({}) IS NOT NULL) FROM {}"
            ).format(
                sql.Literal(sql.Identifier(schema, sequence).as_string(None)),
                sql.Identifier(column), sql.Identifier(column), sql.Identifier(schema, table),
            )
        )  # fmt: skip


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Rows, each with its end; COPY's text form has no line break inside of one."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest + b"\n"


def _changed(row: bytes, table: Table, change: Change | None) -> bytes:
    """What is changed are keys in base64 and their names, which need no escape."""
    if change is None:
        return row
    values = dict(zip(table.columns, row.decode().rstrip("\n").split("\t"), strict=True))
    return "\t".join((values | change(values)).values()).encode() + b"\n"
