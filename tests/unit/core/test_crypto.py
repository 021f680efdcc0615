"""Secrets at rest: encrypted, rotatable, and not to be searched for."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ImproperlyConfigured

from controlplane.core.crypto import EncryptedTextField, Undecryptable, decrypt, encrypt


@pytest.fixture
def keys(settings: Any) -> list[str]:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    return settings.ENCRYPTION_KEYS


@pytest.mark.parametrize("text", ["hush", "Łódź 🙂", "x" * 10_000])
def test_what_was_encrypted_comes_back(keys: list[str], text: str) -> None:
    token = encrypt(text)

    assert text not in token
    assert decrypt(token) == text


def test_the_same_text_is_never_the_same_token(keys: list[str]) -> None:
    assert encrypt("hush") != encrypt("hush")


def test_a_new_key_in_front_reads_what_the_old_one_wrote(keys: list[str], settings: Any) -> None:
    old = encrypt("hush")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *keys]

    assert decrypt(old) == "hush"
    new = encrypt("hush")
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert decrypt(new) == "hush"
    with pytest.raises(Undecryptable, match="Add that key at the end of the list"):
        decrypt(old)


def test_a_token_that_was_changed_is_refused(keys: list[str]) -> None:
    token = encrypt("hush")

    with pytest.raises(Undecryptable):
        decrypt(token[:-2] + ("AA" if token[-2:] != "AA" else "BB"))


def test_without_a_key_one_is_told_how_to_make_one(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = []

    with pytest.raises(ImproperlyConfigured, match="generate_key"):
        encrypt("hush")


def test_a_field_keeps_an_empty_text_as_it_is(keys: list[str]) -> None:
    field = EncryptedTextField()

    assert field.get_prep_value("") == ""
    assert field.get_prep_value(None) is None
    assert field.from_db_value(field.get_prep_value("hush"), None, None) == "hush"


def test_a_secret_cannot_be_searched_for() -> None:
    from controlplane.events.models import Source

    with pytest.raises(FieldError):
        Source.objects.filter(secret="hush")
    assert Source.objects.filter(secret__isnull=True).query
