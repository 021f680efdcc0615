"""Reading all that is kept, piece by piece, and comparing it with what must not be there."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import redis
from psycopg import sql

from tests.canary.known import Known

# What may be a token: hex, base64, or with the marks that tokens have.
_WORD = re.compile(rb"[A-Za-z0-9_\-]{20,200}")
_KEY = re.compile(rb"\bpgl_(?:[a-z]+_)?[0-9a-f]{12}_[0-9a-f]{64}\b")
_CHUNK = 4 * 1024 * 1024
_APART = b"\n\xff\xfe\xff\n"
# Every form has more bytes than this.
_BEGINNING = 8
_BITS = 22
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_OVERLAP = 4096
# Configuration that holds secrets because that is what it is for.
CONFIGURATION = {"embedded.env", "redis.conf", "config"}


@dataclass(frozen=True)
class Finding:
    """`secret` is its name, never the secret; `place` says where it stands in clear."""

    secret: str
    place: str


@dataclass
class Places:
    """Databases by URL of a login that may read all of it, Redis by URL, logs and files by folder.

    `but_for` names columns, as `database: schema.table.column`, that are not Pergola's to protect.
    """

    databases: Sequence[str] = ()
    redis: Sequence[str] = ()
    folders: Sequence[Path] = ()
    but_for: set[str] = field(default_factory=set)


def secrets_found(known: Known, places: Places) -> int:
    return len(find_secrets(known, places))


def find_secrets(known: Known, places: Places) -> list[Finding]:
    """Each secret at each place where it stands in clear, once."""
    look = _Look(known)
    found: set[Finding] = set()
    for place, content in _everything(places):
        found.update(Finding(name, place) for name in look.into(content))
    return sorted(found, key=lambda finding: (finding.place, finding.secret))


class _Look:
    """Thousands of forms at once: a table of hashes says where one may begin, in any piece."""

    def __init__(self, known: Known) -> None:
        self._digests = known.digests
        self._begins: dict[bytes, list[tuple[bytes, str]]] = {}
        for form, name in known.forms().items():
            self._begins.setdefault(form[:_BEGINNING], []).append((form, name))
        self._table = np.zeros(1 << _BITS, dtype=bool)
        self._table[_hashed(b"".join(self._begins), 0)] = True

    def into(self, content: bytes) -> Iterator[str]:
        for at in self._beginnings(content):
            for form, name in self._begins.get(content[at : at + _BEGINNING], ()):
                if content.startswith(form, at):
                    yield name
        for _key in _KEY.findall(content):
            yield "something of an API key's shape"
        for word in set(_WORD.findall(content)) if self._digests else ():
            # A key's secret stands behind the last underscore of its text.
            for part in {word, word.rpartition(b"_")[2]}:
                if name := self._digests.get(hashlib.sha256(part).hexdigest()):
                    yield name

    def _beginnings(self, content: bytes) -> Iterator[int]:
        """Where one of the forms may begin; hardly anywhere else."""
        for offset in range(_BEGINNING):
            found = np.flatnonzero(self._table[_hashed(content, offset)])
            yield from (found * _BEGINNING + offset).tolist()


def _hashed(content: bytes, offset: int) -> "np.ndarray[Any, np.dtype[np.uint64]]":
    """Of every eight bytes from there on, a number of `_BITS` bits."""
    count = max(0, len(content) - offset) // _BEGINNING
    if not count:
        return np.empty(0, dtype=np.uint64)
    words = np.frombuffer(content, dtype="<u8", count=count, offset=offset)
    return (words * _GOLDEN) >> np.uint64(64 - _BITS)


def _everything(places: Places) -> Iterator[tuple[str, bytes]]:
    for url in places.databases:
        for place, content in _rows(url):
            if place not in places.but_for:
                yield place, content
    for url in places.redis:
        yield from _keys(url)
    for folder in places.folders:
        yield from _files(folder)


def _rows(url: str) -> Iterator[tuple[str, bytes]]:
    """Every column of every table of every schema, as text; of bytea the bytes."""
    with psycopg.connect(url) as connection:
        database = connection.info.dbname
        columns = connection.execute(
            "SELECT n.nspname, c.relname, a.attname, t.typname = 'bytea' FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid"
            " WHERE c.relkind IN ('r', 'm') AND a.attnum > 0 AND NOT a.attisdropped"
            " AND n.nspname !~ '^(pg_|information_schema)'"
            " AND (t.typcategory IN ('S', 'A') OR t.typname IN ('json', 'jsonb', 'bytea', 'xml'))"
            " ORDER BY 1, 2, 3"
        ).fetchall()
        for schema, table, column, is_bytes in columns:
            place = f"{database}: {schema}.{table}.{column}"
            name, whole = sql.Identifier(column), sql.Identifier(schema, table)
            shown = name if is_bytes else sql.SQL("{}::text").format(name)
            statement = sql.SQL("SELECT {} FROM {} WHERE {} IS NOT NULL")
            with connection.cursor("canary") as cursor:
                cursor.itersize = 5000
                cursor.execute(statement.format(shown, whole, name))
                values = (v if isinstance(v, bytes) else str(v).encode() for (v,) in cursor)
                yield from ((place, piece) for piece in _joined(values))


def _joined(values: Iterable[bytes]) -> Iterator[bytes]:
    """Many small ones in a piece, kept apart by what stands in no text."""
    piece = bytearray()
    for value in values:
        piece += value + _APART
        if len(piece) >= _CHUNK:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _keys(url: str) -> Iterator[tuple[str, bytes]]:
    """Every key of every database of the server, and all that it holds."""
    with redis.Redis.from_url(url) as server:
        for number in sorted({0, *(int(name[2:]) for name in server.info("keyspace"))}):
            with redis.Redis.from_url(url, db=number) as one:
                for key in one.scan_iter():
                    yield f"Redis {number}: {key!r}", key + b" " + (one.dump(key) or b"")
                    yield f"Redis {number}: {key!r}", _plain(one, key)


def _plain(server: "redis.Redis", key: bytes) -> bytes:
    """A dump may be compressed, so what is in it is asked for as well."""
    match server.type(key):
        case b"string":
            return bytes(server.get(key) or b"")
        case b"list":
            return b"\n".join(server.lrange(key, 0, -1))
        case b"set":
            return b"\n".join(server.smembers(key))
        case b"hash":
            return b"\n".join(part for pair in server.hgetall(key).items() for part in pair)
        case b"zset":
            return b"\n".join(server.zrange(key, 0, -1))
        case b"stream":
            return repr(server.xrange(key)).encode()
    return b""


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name in CONFIGURATION:
            continue
        with path.open("rb") as file:
            before = b""
            while piece := file.read(_CHUNK):
                yield f"file {path.name}", before + piece
                before = piece[-_OVERLAP:]
