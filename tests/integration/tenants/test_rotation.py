"""Keys are exchanged while people work: nothing becomes unreadable, and old keys can go."""

import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from controlplane.audit.models import Entry
from controlplane.core import crypto
from controlplane.core.actor import system
from controlplane.core.crypto import EncryptedTextField, Undecryptable
from controlplane.events.models import Source
from controlplane.vault import rings, rotation
from controlplane.vault.models import DataKey
from controlplane.vault.wrapping import wrapping_keys
from tenants import rotation as fleet
from tenants.context import inside
from tenants.models import Tenant

BY = system("tests")


@pytest.fixture
def only(yard: Tenant, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Tenant]:
    """The yard alone is rotated: the other schemas keep the keys that their tests need."""
    monkeypatch.setattr(fleet, "schemas", lambda: [yard])
    monkeypatch.setattr("tenants.management.commands.rotate_keys.schemas", lambda: [yard])
    monkeypatch.setattr(rings, "KEPT_FOR_SECONDS", 0.3)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    _clear(yard)
    yield yard
    _clear(yard)


def _clear(yard: Tenant) -> None:
    with inside(yard), connection.cursor() as cursor:
        # Not by the models: a test may have lost the key that reading them needs.
        cursor.execute("DELETE FROM events_source; DELETE FROM vault_datakey")
    rings.forget_rings()


def make_sources(count: int) -> None:
    for number in range(count):
        Source.objects.create(slug=f"s{number}", name="Shop", secret=f"secret {number}")


def secrets_of(tenant: Tenant) -> dict[str, str]:
    with inside(tenant):
        return {source.slug: source.secret for source in Source.objects.all()}


def tokens_of(tenant: Tenant) -> list[str]:
    with inside(tenant):
        return list(Source.objects.order_by("slug").values_list("secret", flat=True))


def rotate(*options: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *options, stdout=out, stderr=out)
    return out.getvalue()


def test_every_encrypted_field_is_found(tenant: Tenant) -> None:
    """By counting them another way: the columns of the models, in whichever schema they stand."""
    everywhere = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, EncryptedTextField)
    }
    found = {(t.model._meta.db_table, f.column) for t in rotation.secret_tables() for f in t.fields}
    connection.set_schema_to_public()
    shared = {
        (t.model._meta.db_table, f.column) for t in rotation.secret_tables() for f in t.fields
    }

    assert found | shared == everywhere
    assert ("instances_instance", "owner_key") in shared - found
    assert ("events_source", "secret") in found - shared


def test_a_new_key_encryption_key_takes_over_and_the_old_one_can_go(
    only: Tenant, settings: Any
) -> None:
    with inside(only):
        make_sources(3)
    old = settings.ENCRYPTION_KEYS[0]
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), old]

    assert "entry 2" in (said := rotate("--check"))
    assert "wraps 1 data keys" in said.splitlines()[1]
    assert "1 data keys wrapped anew" in rotate()
    assert "may be removed" in rotate("--check").splitlines()[1]

    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    rings.forget_rings()
    assert secrets_of(only) == {f"s{n}": f"secret {n}" for n in range(3)}
    with inside(only):
        assert Entry.objects.get().action == "data_keys.rewrapped"


def test_a_second_factor_outlives_the_key_that_encrypted_it(
    yard: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in a table of allauth's, in no field of ours."""
    monkeypatch.setattr(fleet, "schemas", lambda: [None])
    monkeypatch.setattr("tenants.management.commands.rotate_keys.schemas", lambda: [None])
    monkeypatch.setattr(rings, "KEPT_FOR_SECONDS", 0.3)
    user = User.objects.create_user("mia", "mia@yard.example", "pw")
    token = crypto.encrypt("JBSWY3DPEHPK3PXP")
    totp = Authenticator.objects.create(user=user, type="totp", data={"secret": token})

    assert "1 rows encrypted anew" in rotate("--data")

    totp.refresh_from_db()
    assert totp.data["secret"] != token
    assert crypto.decrypt(totp.data["secret"]) == "JBSWY3DPEHPK3PXP"
    rings.forget_rings()


def test_a_key_that_was_removed_too_early_is_named(only: Tenant, settings: Any) -> None:
    with inside(only):
        make_sources(1)
    lost = wrapping_keys()[0].id
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    rings.forget_rings()

    with pytest.raises(CommandError, match=lost):
        rotate("--check")
    with pytest.raises(CommandError, match="could not be done"):
        rotate()
    with pytest.raises(Undecryptable, match=f"{lost} is missing"):
        secrets_of(only)


def test_new_data_keys_encrypt_everything_anew(only: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    with inside(only):
        make_sources(5)
        Source.objects.create(slug="none", name="Internal")
        Source.objects.filter(slug="s1").update(secret="by column")

    said = rotate("--data")

    assert "1 made, 5 rows encrypted anew, 1 old data keys destroyed" in said
    assert "encrypting anew: yard" in said
    assert {token[:9] for token in tokens_of(only)} == {"", "pgl1.r.2."}
    assert secrets_of(only)["s1"] == "by column"
    with inside(only):
        first, second = DataKey.objects.order_by("version")
        assert (first.wrapped, bool(first.retired_at)) == ("", True)
        assert second.retired_at is None


def test_what_an_older_release_encrypted_is_written_anew(only: Tenant, settings: Any) -> None:
    old = Fernet(settings.ENCRYPTION_KEYS[0]).encrypt(b"from before").decode()
    with inside(only):
        make_sources(1)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE events_source SET secret = %s", [old])

    assert secrets_of(only) == {"s0": "from before"}
    assert "1 rows are still encrypted as older releases did it" in rotate("--check")
    rotate("--data")
    assert "older releases" not in rotate("--check")
    assert secrets_of(only) == {"s0": "from before"}
    assert tokens_of(only)[0].startswith("pgl1.r.2.")


def test_a_crash_in_the_middle_is_mended_by_a_rerun(only: Tenant, monkeypatch: Any) -> None:
    with inside(only):
        make_sources(6)
    monkeypatch.setattr(rotation, "BATCH", 2)
    reseal, calls = rotation._reseal_row, []

    def crash(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        reseal(*args)

    monkeypatch.setattr(rotation, "_reseal_row", crash)
    with pytest.raises(KeyboardInterrupt):
        rotate("--data")
    monkeypatch.setattr(rotation, "_reseal_row", reseal)

    assert sorted(token[:9] for token in tokens_of(only)) == ["pgl1.r.1."] * 4 + ["pgl1.r.2."] * 2
    assert secrets_of(only) == {f"s{n}": f"secret {n}" for n in range(6)}
    assert "not finished" in rotate("--check")

    assert "0 made, 4 rows encrypted anew, 1 old" in rotate("--data")
    assert secrets_of(only) == {f"s{n}": f"secret {n}" for n in range(6)}


def test_writers_and_readers_go_on_meanwhile(only: Tenant) -> None:
    """Two write, one reads; what each wrote last is what is there in the end."""
    with inside(only):
        make_sources(20)
    ends, written, failed = threading.Event(), dict[str, str](), list[Exception]()

    def write(slugs: list[str]) -> None:
        number = 0
        try:
            with inside(only):
                while not ends.is_set():
                    slug = slugs[number % len(slugs)]
                    with transaction.atomic():
                        source = Source.objects.select_for_update().get(slug=slug)
                        source.secret = f"{slug} number {number}"
                        source.save(update_fields=["secret"])
                    written[slug] = source.secret
                    number += 1
        except Exception as error:  # told below, where the test fails
            failed.append(error)
        finally:
            connections.close_all()

    def read() -> None:
        try:
            with inside(only):
                while not ends.is_set():
                    assert all(source.secret for source in Source.objects.all())
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    slugs = [f"s{number}" for number in range(20)]
    threads = [
        threading.Thread(target=write, args=[slugs[:7]]),
        threading.Thread(target=write, args=[slugs[7:14]]),
        threading.Thread(target=read),
    ]
    for thread in threads:
        thread.start()
    try:
        result = fleet.renew_everywhere(by=BY)
    finally:
        ends.set()
        for thread in threads:
            thread.join()

    assert failed == []
    assert (result.renewed, result.retired) == (1, 1)
    rings.forget_rings()
    untouched = {f"s{n}": f"secret {n}" for n in range(20)}
    assert secrets_of(only) == {**untouched, **written}
    assert {token[:9] for token in tokens_of(only)} == {"pgl1.r.2."}


def test_an_old_key_stays_as_long_as_a_transaction_may_need_it(
    only: Tenant, monkeypatch: Any
) -> None:
    with inside(only):
        make_sources(1)
    monkeypatch.setattr(fleet, "TRANSACTIONS_SECONDS", 0.5)
    begun, ends = threading.Event(), threading.Event()

    def hold() -> None:
        with inside(only), transaction.atomic():
            Source.objects.create(slug="late", name="Late", secret="by the old key")
            begun.set()
            ends.wait(30)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait(30)
    try:
        with pytest.raises(fleet.TransactionsStillOpen):
            fleet.renew_everywhere(by=BY)
    finally:
        ends.set()
        thread.join()

    assert secrets_of(only)["late"] == "by the old key"
    assert fleet.renew_everywhere(by=BY).retired == 1
    assert secrets_of(only)["late"] == "by the old key"


def test_a_secret_that_does_not_open_stops_its_schema_and_is_named(only: Tenant) -> None:
    with inside(only):
        make_sources(1)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE events_source SET secret = 'pgl1.r.1.AAAA'")

    result = fleet.renew_everywhere(by=BY)

    assert "events.Source" in result.failed["yard"]
    assert result.retired == 0


def test_on_a_terminal_a_bar_is_drawn(only: Tenant, capsys: Any) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    call_command("rotate_keys", stdout=(out := Terminal()))

    assert "wrapped anew" in out.getvalue()
    assert "wrapping keys: yard" not in out.getvalue()
