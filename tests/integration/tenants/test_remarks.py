"""What a request notes in passing: when a key was used and from where, without waiting."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from tenants import lookup
from tenants.database.remarks import remark
from tenants.models import ApiKey, Tenant

WHOAMI = "/api/v1/whoami"
COMMIT = "SHOW synchronous_commit"


def asked(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0])


@pytest.fixture
def waiting(yard: Tenant) -> None:
    """As in production: the tests' own PostgreSQL waits for no disk."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO local")


def test_a_remark_does_not_wait_and_what_comes_after_it_does(waiting: None) -> None:
    said = remark("SELECT current_setting('synchronous_commit')", [])

    assert said == ("off",)
    assert asked(COMMIT) == "local"


def test_a_remark_in_a_transaction_leaves_that_one_as_it_is(waiting: None) -> None:
    with transaction.atomic():
        remark("SELECT 1", [])

        assert asked(COMMIT) == "local"


def test_a_remark_that_fails_leaves_the_transaction_usable(db: None) -> None:
    with pytest.raises(DatabaseError):
        remark("SELECT nothing_of_the_kind", [])

    assert asked("SELECT 1") == "1"


def test_a_key_in_use_is_not_read_again_for_having_been_noted(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    caller = machine(north)
    caller.get(WHOAMI)
    key = ApiKey.objects.get()
    kept = lookup._keys[key.prefix]

    caller.get(WHOAMI)

    assert key.last_used_at is not None
    assert lookup._keys[key.prefix] == kept


def test_a_key_that_was_changed_meanwhile_is_read_again(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    caller = machine(north)
    caller.get(WHOAMI)
    key = ApiKey.objects.get()
    kept = lookup._keys[key.prefix][1]
    # Another process revokes it, between this one's look at the row and its remark.
    ApiKey.objects.update(revoked_at=timezone.now())

    lookup.note_use(kept, at=timezone.now(), network="192.0.2.0/24")

    assert ApiKey.objects.get().last_used_network != "192.0.2.0/24"
    assert caller.get(WHOAMI).status_code == 401


def test_a_remark_about_a_row_that_is_kept_no_more_changes_nothing_that_is_kept(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    caller = machine(north)
    caller.get(WHOAMI)
    key = ApiKey.objects.get()
    old = lookup._keys[key.prefix][1]
    ApiKey.objects.update(scopes=[])
    caller.get(WHOAMI)
    newer = lookup._keys[key.prefix]
    assert newer[1] is not old

    lookup.note_use(old, at=timezone.now(), network="192.0.2.0/24")

    assert lookup._keys[key.prefix] is newer
