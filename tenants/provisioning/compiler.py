"""From a schema to the statements that make another like it, to the last constraint's name.

What it writes needs no plan of Django's and no look at the catalogue: tables with their constraints
inline, those that are referred to first, then what has to wait for them.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from psycopg import sql

from tenants.provisioning import catalogue
from tenants.provisioning.catalogue import ask, looking_into

Found = dict[str, Any]
# `x IN ('a', 'b')` comes back as `x::text = ANY ((ARRAY['a'::varchar, 'b'::varchar])::text[])`.
# Read in again, the cast would go to each element, and a dump of the copy differ. Casting the array
# to what it is already keeps it as it was.
_TEXT = r"'(?:[^']|'')*'"
_ELEMENTS = re.compile(
    rf"\(ARRAY\[{_TEXT}::(?P<type>[a-z ]+)(?:, {_TEXT}::(?P=type))*\]\)(?=::[a-z ]+\[\])"
)
# As pg_trigger.tgenabled says it; "O" is how one is born.
_ENABLED = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


class NotCompilable(Exception):
    """The schema has something that the compiler does not write; migrations still build it."""


@dataclass(frozen=True)
class Compiled:
    """`statements` for an empty schema alone in the search_path; `grants` for its role.

    A grant is privileges, kind and the names of what they are for; `order` lists the tables, each
    after those that it refers to.
    """

    statements: list[str]
    grants: list[list[Any]]
    order: list[str] = field(default_factory=list)


def compile_schema(schema: str, *, role: str) -> Compiled:
    """Inside of the owner's transaction. Raises NotCompilable."""
    with looking_into(schema) as cursor:
        strange = ask(cursor, catalogue.STRANGE, schema)
        if strange:
            raise NotCompilable(f"{schema} has {', '.join(row['?column?'] for row in strange)}")
        tables = {row["key"]: row for row in ask(cursor, catalogue.TABLES, schema)}
        columns = _by_table(ask(cursor, catalogue.COLUMNS, schema))
        constraints = _by_table(ask(cursor, catalogue.CONSTRAINTS, schema))
        functions = ask(cursor, catalogue.FUNCTIONS, schema)
        indexes = ask(cursor, catalogue.INDEXES, schema)
        triggers = ask(cursor, catalogue.TRIGGERS, schema)
        rights = ask(cursor, catalogue.RIGHTS, schema)
    order, waiting = _order(tables, constraints)
    statements = [
        *map(_rebased, functions),
        *(
            statement
            for key in order
            for statement in _table(tables[key], columns[key], constraints[key], waiting)
        ),
        *(f"ALTER TABLE {tables[fk['key']]['name']} ADD {_constraint(fk)}" for fk in waiting),
        *map(_rebased, indexes),
        *(statement for found in triggers for statement in _trigger(found)),
        *_comments(tables, columns, constraints, functions, indexes, triggers),
    ]
    statements = [_ELEMENTS.sub(_cast_as_a_whole, statement) for statement in statements]
    for statement in statements:
        if schema in statement:
            raise NotCompilable(f"{schema} is named in its own definition: {statement[:200]}")
    return Compiled(statements, _grants(rights, role), order)


def _by_table(rows: Sequence[Found]) -> dict[str, list[Found]]:
    found = defaultdict(list)
    for row in rows:
        found[row["key"]].append(row)
    return found


def _order(
    tables: dict[str, Found], constraints: dict[str, list[Found]]
) -> tuple[list[str], list[Found]]:
    """Tables after what they refer to, and the keys of circles, which have to wait."""
    refers = {
        key: {
            fk["referenced"]
            for fk in constraints[key]
            if fk["kind"] == "f" and fk["referenced"] not in {key}
        }
        for key in tables
    }
    order: list[str] = []
    waiting: list[Found] = []
    left = sorted(tables)
    while left:
        free = [key for key in left if refers[key] <= set(order)]
        if not free:
            # A circle: this one is made without the keys that cannot be met yet.
            free = [min(left, key=lambda key: (len(refers[key] - set(order)), key))]
            waiting += [
                fk
                for fk in constraints[free[0]]
                if fk["kind"] == "f" and fk["referenced"] not in {*order, free[0]}
            ]
        order += free
        left = [key for key in left if key not in free]
    return order, waiting


def _table(
    table: Found, columns: Sequence[Found], constraints: Sequence[Found], waiting: Sequence[Found]
) -> list[str]:
    parts = [
        *map(_column, columns),
        *(_constraint(found) for found in constraints if found not in waiting),
    ]
    options = [*(table["options"] or ()), *(table["toast_options"] or ())]
    statement = f"CREATE TABLE {table['name']} ({', '.join(parts)})"
    if options:
        statement += f" WITH ({', '.join(options)})"
    alterations = []
    for column in columns:
        change = f"ALTER COLUMN {column['name']} SET"
        if column["storage"]:
            alterations.append(f"{change} STORAGE {column['storage']}")
        if column["statistics"] not in (None, -1):
            alterations.append(f"{change} STATISTICS {column['statistics']}")
        if column["options"]:
            alterations.append(f"{change} ({', '.join(column['options'])})")
    if alterations:
        return [statement, f"ALTER TABLE {table['name']} {', '.join(alterations)}"]
    return [statement]


def _column(column: Found) -> str:
    parts = [column["name"], column["type"]]
    if column["compression"]:
        parts.append(f"COMPRESSION {'lz4' if column['compression'] == 'l' else 'pglz'}")
    if column["collation"]:
        parts.append(f"COLLATE {column['collation']}")
    if column["generated"]:
        kind = "STORED" if column["generated"] == "s" else "VIRTUAL"
        parts.append(f"GENERATED ALWAYS AS ({column['expression']}) {kind}")
    elif column["identity"]:
        how = "ALWAYS" if column["identity"] == "a" else "BY DEFAULT"
        parts.append(f"GENERATED {how} AS IDENTITY ({column['sequence']})")
    elif column["expression"]:
        parts.append(f"DEFAULT {column['expression']}")
    if column["plainly_not_null"]:
        parts.append("NOT NULL")
    return " ".join(parts)


def _cast_as_a_whole(found: re.Match[str]) -> str:
    return f"({found[0]}::{found['type']}[])"


def _constraint(constraint: Found) -> str:
    return f"CONSTRAINT {constraint['name']} {constraint['definition']}"


def _rebased(found: Found) -> str:
    """An index or a function, which PostgreSQL always tells with their schema."""
    if not found["definition"].startswith(found["beginning"]):
        raise NotCompilable(f"it is defined in other words: {found['definition'][:200]}")
    return f"{found['new_beginning']}{found['definition'].removeprefix(found['beginning'])}"


def _trigger(trigger: Found) -> list[str]:
    statements = [trigger["definition"]]
    if (how := _ENABLED.get(trigger["enabled"])) is not None:
        statements.append(f"ALTER TABLE {trigger['table_name']} {how} TRIGGER {trigger['name']}")
    return statements


def _comments(
    tables: dict[str, Found],
    columns: dict[str, list[Found]],
    constraints: dict[str, list[Found]],
    functions: Sequence[Found],
    indexes: Sequence[Found],
    triggers: Sequence[Found],
) -> list[str]:
    told: list[tuple[str, str | None]] = []
    for key, table in tables.items():
        name = table["name"]
        told.append((f"TABLE {name}", table["comment"]))
        told += [(f"COLUMN {name}.{c['name']}", c["comment"]) for c in columns[key]]
        told += [(f"CONSTRAINT {c['name']} ON {name}", c["comment"]) for c in constraints[key]]
    told += [(f"FUNCTION {found['name']}", found["comment"]) for found in functions]
    told += [(f"INDEX {found['name']}", found["comment"]) for found in indexes]
    told += [
        (f"TRIGGER {found['name']} ON {found['table_name']}", found["comment"])
        for found in triggers
    ]
    return [f"COMMENT ON {what} IS {_literal(text)}" for what, text in told if text]


def _grants(rights: Sequence[Found], role: str) -> list[list[Any]]:
    """Everything that has the same rights in one statement: [privileges, kind, [names]]."""
    together: dict[tuple[str, str], list[str]] = defaultdict(list)
    for right in rights:
        if right["grantee"] != role:
            raise NotCompilable(f"{right['grantee']} has rights to {right['name']}")
        together[right["privileges"], right["kind"]].append(right["name"])
    return [[privileges, kind, names] for (privileges, kind), names in together.items()]


def _literal(text: str) -> str:
    return sql.Literal(text).as_string(connections["owner"].connection)
