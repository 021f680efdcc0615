"""The scanner finds what is planted in clear, in whatever form; what is encrypted it does not."""

import base64
import hashlib
import json
import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings
from django.core.signing import dumps
from django.db import connections

from controlplane.events.models import Source
from tenants.context import inside
from tenants.models import ApiKey, Tenant
from tests.canary import Known, Places, find_secrets, secrets_of_this_installation

CANARY = f"canary-{secrets.token_hex(12)}"
TOKEN = secrets.token_hex(32)


def owner_url() -> str:
    at = connections["owner"].settings_dict
    return f"postgresql://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


@pytest.fixture
def known() -> Known:
    return Known({"the canary": CANARY}, {hashlib.sha256(TOKEN.encode()).hexdigest(): "the token"})


@pytest.fixture
def table(django_db_setup: None) -> Iterator[psycopg.Connection]:
    """A table with one column of each kind that may hold a text."""
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute("CREATE TABLE t_yard.canary (t text, j jsonb, b bytea, a text[])")
        try:
            yield owner
        finally:
            owner.execute("DROP TABLE t_yard.canary")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("t", f"before {CANARY} after"),
        ("j", json.dumps({"deep": [{"er": CANARY}]})),
        ("b", CANARY.encode()),
        ("a", [CANARY]),
        ("t", base64.b64encode(f"x{CANARY}y".encode()).decode()),
        ("t", base64.b64encode(f"xy{CANARY}z".encode()).decode()),
        ("t", CANARY.encode().hex()),
    ],
    ids=["text", "json", "bytes", "array", "base64", "base64 shifted", "hex"],
)
def test_a_secret_in_the_database_is_found(
    column: str, value: Any, table: psycopg.Connection, known: Known
) -> None:
    table.execute(f"INSERT INTO t_yard.canary ({column}) VALUES (%s)", [value])

    (found,) = find_secrets(known, Places(databases=[owner_url()]))

    assert found.secret == "the canary"
    assert found.place.endswith(f"t_yard.canary.{column}")


@pytest.mark.parametrize(
    "text",
    [TOKEN, f"pgl_0123456789ab_{TOKEN}", f'"token": "{TOKEN}"'],
    ids=["alone", "in a key", "in JSON"],
)
def test_a_token_of_which_only_the_hash_is_known_is_found(
    text: str, known: Known, tmp_path: Path
) -> None:
    (tmp_path / "web.log").write_text(f"it said {text}\n")

    assert "the token" in {f.secret for f in find_secrets(known, Places(folders=[tmp_path]))}


def test_a_secret_across_two_pieces_of_a_file_is_found(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.canary.scan._CHUNK", 5000)
    (tmp_path / "web.log").write_text("x" * 4990 + CANARY)

    assert len(find_secrets(known, Places(folders=[tmp_path]))) == 1


def test_a_secret_in_redis_is_found(known: Known) -> None:
    key = f"canary-test-{uuid.uuid4()}"
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        server.rpush(key, "x" * 100, CANARY)
        try:
            found = find_secrets(known, Places(redis=[settings.REDIS_URL]))
        finally:
            server.delete(key)

    assert {finding.secret for finding in found} == {"the canary"}


def test_what_is_encrypted_is_not_found_and_what_is_signed_only_is(
    yard: Tenant, table: psycopg.Connection
) -> None:
    with inside(yard):
        Source.objects.create(slug="shop", name="Shop", secret=CANARY)
    ApiKey.issue(tenant=yard, name="canary", scopes=[])
    known = secrets_of_this_installation()
    assert CANARY in known.texts.values()

    assert find_secrets(known, Places(databases=[owner_url()])) == []

    table.execute("INSERT INTO t_yard.canary (t) VALUES (%s)", [dumps({"secret": CANARY})])
    assert len(find_secrets(known, Places(databases=[owner_url()]))) == 1


def test_a_finding_does_not_tell_the_secret(known: Known, tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text(CANARY)

    assert CANARY not in repr(find_secrets(known, Places(folders=[tmp_path])))
