"""Secrets at rest: encrypted, bound to their place, and not to be searched for."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.exceptions import FieldError

from controlplane.core import crypto
from controlplane.core.crypto import Place, Undecryptable, decrypt, encrypt, seal, unseal
from controlplane.events.models import Source
from controlplane.vault.rings import Ring

HERE = Place("events_source", "secret", "1")


def ring(*versions: int) -> Ring:
    return Ring({v: AESGCM(AESGCM.generate_key(256)) for v in versions}, 0.0)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[Ring]:
    """The ring that the entered schema has, which a test may exchange."""
    rings = [ring(1)]
    monkeypatch.setattr(crypto, "_sources", [lambda _connection, holding=None: rings[0]])
    return rings


@pytest.mark.parametrize("text", ["hush", "Łódź 🙂", "x" * 10_000])
def test_what_was_encrypted_comes_back(keys: list[Ring], text: str) -> None:
    token = encrypt(text)

    assert token.startswith("pgl1.t.1.")
    assert text not in token
    assert decrypt(token) == text


def test_the_same_text_is_never_the_same_token(keys: list[Ring]) -> None:
    assert encrypt("hush") != encrypt("hush")


def test_the_newest_key_writes_and_all_read() -> None:
    both = ring(1, 2)
    old = seal("hush", HERE, Ring({1: both.keys[1]}, 0.0))

    assert unseal(old, HERE, both) == "hush"
    assert seal("hush", HERE, both).startswith("pgl1.r.2.")
    with pytest.raises(Undecryptable, match="data key 1 of its schema is retired"):
        unseal(old, HERE, Ring({2: both.keys[2]}, 0.0))


@pytest.mark.parametrize(
    "place",
    [
        Place("events_source", "secret", "2"),
        Place("events_source", "other", "1"),
        Place("instances_workspace", "secret", "1"),
        Place("events_source", "secret"),
        Place(),
    ],
    ids=["another row", "another column", "another table", "no row", "nowhere"],
)
def test_a_token_opens_only_where_it_was_written(place: Place) -> None:
    keys = ring(1)
    token = seal("hush", place, keys)

    assert unseal(seal("hush", HERE, keys), HERE, keys) == "hush"
    # A token that was bound to less opens in every row of its column, and in no other column.
    if place.kind == "r" or place.column != HERE.column:
        relabelled = token.replace(f"pgl1.{place.kind}.", "pgl1.r.")
        with pytest.raises(Undecryptable):
            unseal(relabelled, HERE, keys)
    with pytest.raises(Undecryptable):
        unseal(seal("hush", HERE, keys).replace("pgl1.r.", f"pgl1.{place.kind}."), place, keys)


@pytest.mark.parametrize("token", ["pgl1.", "pgl1.r.1.", "pgl1.r.x.AAAA", "pgl1.z.1.AAAA", "gAAAA"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Undecryptable):
        unseal(token, HERE, ring(1))


def test_a_token_that_was_changed_is_refused(keys: list[Ring]) -> None:
    token = encrypt("hush")

    with pytest.raises(Undecryptable):
        decrypt(token[:-3] + ("AAA" if token[-3:] != "AAA" else "BBB"))


def test_what_an_older_release_encrypted_is_still_read(settings: Any) -> None:
    key = Fernet.generate_key()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), key.decode()]
    old = Fernet(key).encrypt(b"hush").decode()

    assert unseal(old, HERE, ring(1)) == "hush"
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    with pytest.raises(Undecryptable, match="Add that key at the end of the list"):
        unseal(old, HERE, ring(1))


def test_a_field_keeps_an_empty_text_as_it_is(keys: list[Ring]) -> None:
    field = Source._meta.get_field("secret")

    assert field.get_db_prep_value("", None) == ""
    assert field.get_db_prep_value(None, None) is None
    assert field.from_db_value("", None, None) == ""


def test_a_secret_cannot_be_searched_for() -> None:
    with pytest.raises(FieldError):
        Source.objects.filter(secret="hush")
    assert Source.objects.filter(secret__isnull=True).query
