"""The audit trail: what was tampered with is found, and by whoever verifies."""

import threading
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.test import Client

from controlplane.audit.models import GENESIS, Entry
from controlplane.audit.services import DataNotCanonical, record, verify_chain
from controlplane.core.actor import Actor, ActorKind, Execution
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import ADA

Owner = Callable[[str], None]


def note(number: int = 1, **data: Any) -> Entry:
    return record(
        action="order.seen", subject_type="order", subject_id=str(number), data=data, by=ADA
    )


@pytest.fixture
def chain(yard: Tenant) -> list[Entry]:
    """Five entries, committed."""
    with inside(yard):
        return [note(number, total="119.00 EUR") for number in range(1, 6)]


@pytest.fixture
def as_owner(yard: Tenant) -> Owner:
    """Somebody with the owner's password, who can do what no tenant may."""

    def execute(statement: str) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute("SET search_path = t_yard")
            cursor.execute(statement)
            cursor.execute("SET search_path = public")

    return execute


def verify() -> tuple[str, str, bool]:
    """(stdout, stderr, whether the command fails) of `manage.py verify_audit`."""
    out, err = StringIO(), StringIO()
    try:
        call_command("verify_audit", tenant="yard", stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), err.getvalue() + str(error), error.returncode == 1
    return out.getvalue(), err.getvalue(), False


def test_entries_follow_one_another(chain: list[Entry], yard: Tenant) -> None:
    assert [entry.sequence for entry in chain] == [1, 2, 3, 4, 5]
    assert [entry.previous_hash for entry in chain] == [GENESIS, *(e.hash for e in chain[:-1])]
    assert verify() == (f"yard: 5 entries, head {chain[-1].hash}\n", "", False)


def test_an_empty_chain_holds(yard: Tenant) -> None:
    assert verify() == (f"yard: 0 entries, head {GENESIS}\n", "", False)


def test_an_entry_says_who_did_what_for_which_run(tenant: Tenant) -> None:
    by = Actor(ActorKind.MACHINE, "k1", "ERP key", execution=Execution("wf1", "71", "Note it"))
    entry = record(action="order.seen", subject_type="order", subject_id="1", data={}, by=by)

    entry.refresh_from_db()
    assert (entry.actor_kind, entry.actor_id, entry.actor_label) == ("machine", "k1", "ERP key")
    assert entry.execution_id == "71"
    assert entry.computed_hash() == entry.hash


@pytest.mark.parametrize(
    "change",
    [
        "action = 'order.accepted'",
        "subject_id = '4'",
        "actor_label = 'Nobody'",
        "execution_id = '9'",
        "at = at + interval '1 microsecond'",
        'data = \'{"total": "119.01 EUR"}\'',
        "hash = repeat('a', 64)",
    ],
)
def test_a_changed_entry_is_found(chain: list[Entry], as_owner: Owner, change: str) -> None:
    as_owner(f"UPDATE audit_entry SET {change} WHERE sequence = 3")

    _out, told, is_failure = verify()

    assert is_failure
    assert "BROKEN at entry 3: its content was changed; 2 entries before it hold" in told


def test_a_removed_entry_is_found(chain: list[Entry], as_owner: Owner) -> None:
    as_owner("DELETE FROM audit_entry WHERE sequence = 3")

    _out, told, is_failure = verify()

    assert is_failure
    assert "BROKEN at entry 3: the entry is missing" in told


def test_a_removed_beginning_is_found(chain: list[Entry], as_owner: Owner) -> None:
    as_owner("DELETE FROM audit_entry WHERE sequence < 3")

    assert "BROKEN at entry 1: the entry is missing" in verify()[1]


def test_a_rewritten_entry_with_a_fitting_hash_is_found_at_the_next(
    chain: list[Entry], as_owner: Owner
) -> None:
    forged = chain[2]
    forged.action = "order.accepted"
    as_owner(
        f"UPDATE audit_entry SET action = 'order.accepted', hash = '{forged.computed_hash()}'"
        " WHERE sequence = 3"
    )

    assert "BROKEN at entry 4: it does not follow the entry before it" in verify()[1]


def test_a_fork_is_refused_by_the_database(chain: list[Entry], as_owner: Owner) -> None:
    from django.db import IntegrityError

    with pytest.raises(IntegrityError, match="audit_chain_does_not_fork"):
        as_owner(
            "INSERT INTO audit_entry (sequence, at, action, subject_type, subject_id, actor_kind,"
            " actor_id, actor_label, execution_id, data, previous_hash, hash)"
            " SELECT 6, at, action, subject_type, subject_id, actor_kind, actor_id, actor_label,"
            " execution_id, data, previous_hash, repeat('b', 64) FROM audit_entry"
            " WHERE sequence = 3"
        )


def test_a_fork_that_got_in_all_the_same_is_found(chain: list[Entry], as_owner: Owner) -> None:
    as_owner("UPDATE audit_entry SET previous_hash = repeat('c', 64) WHERE sequence = 4")

    assert "BROKEN at entry 4" in verify()[1]


def test_all_tenants_are_verified_and_one_broken_chain_fails(
    chain: list[Entry], as_owner: Owner
) -> None:
    as_owner("DELETE FROM audit_entry WHERE sequence = 1")
    out, err = StringIO(), StringIO()

    with pytest.raises(CommandError, match=r"1 chain\(s\) are broken"):
        call_command("verify_audit", stdout=out, stderr=err)
    assert {line.split(":")[0] for line in out.getvalue().splitlines()} == {
        "(platform)", "north", "south",
    }  # fmt: skip


def test_an_unknown_tenant_is_said_to_be_so(yard: Tenant) -> None:
    with pytest.raises(CommandError, match="no tenant 'nobody'"):
        call_command("verify_audit", tenant="nobody")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"name": "Łódź 🙂", "nested": {"a": [1, 2.5, None, True]}},
        {"count": 2**53 - 1, "tiny": 1e-7, "zero": 0.0, "negative": -0.5},
        {"é": 1, "e\u0301": 2, "\u20ac": 3, "\ufb33": 4},
    ],
)
def test_data_comes_back_from_the_database_with_the_same_hash(
    tenant: Tenant, data: dict[str, Any]
) -> None:
    note(1, **data)

    assert verify_chain().broken_at is None


@pytest.mark.parametrize("value", [2**53 + 1, float("nan"), float("inf")])
def test_numbers_that_json_cannot_carry_are_refused(tenant: Tenant, value: float) -> None:
    with pytest.raises(DataNotCanonical):
        note(1, value=value)
    assert not Entry.objects.filter(action="order.seen").exists()


def test_an_entry_that_is_rolled_back_leaves_no_gap(tenant: Tenant) -> None:
    first = note(1)
    with transaction.atomic():
        note(2)
        transaction.set_rollback(True)

    assert note(3).sequence == first.sequence + 1
    assert verify_chain().broken_at is None


def test_two_transactions_at_once_write_one_after_the_other(yard: Tenant) -> None:
    """The second waits for the head until the first commits, and then builds on it."""
    is_written = threading.Event()

    def second() -> None:
        with inside(yard):
            note(2)
        is_written.set()
        connections.close_all()

    thread = threading.Thread(target=second)
    with inside(yard), transaction.atomic():
        note(1)
        thread.start()
        assert not is_written.wait(0.3)
    thread.join(timeout=10)

    with inside(yard):
        assert [e.subject_id for e in Entry.objects.all()] == ["1", "2"]
        assert verify_chain().broken_at is None


def test_another_tenant_does_not_wait_for_it(yard: Tenant) -> None:
    from tenants.lookup import tenant_by_slug

    north = tenant_by_slug("north")
    done = threading.Event()

    def elsewhere() -> None:
        with inside(north), transaction.atomic():
            note(1)
            transaction.set_rollback(True)
        done.set()
        connections.close_all()

    thread = threading.Thread(target=elsewhere)
    with inside(yard), transaction.atomic():
        note(1)
        thread.start()
        assert done.wait(5)
    thread.join(timeout=10)


def test_many_writers_make_one_chain(yard: Tenant) -> None:
    def write() -> None:
        with inside(yard):
            for number in range(10):
                note(number)
        connections.close_all()

    threads = [threading.Thread(target=write) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    with inside(yard):
        state = verify_chain()
    assert (state.entries, state.broken_at) == (40, None)


@pytest.mark.parametrize("action", ["approval.approved", "order.accepted", "policy.published"])
def test_a_workflow_cannot_write_what_pergola_decides(
    action: str, north: Tenant, machine: Callable[..., Client]
) -> None:
    body = {"action": action, "subject_type": "order", "subject_id": "1"}
    with inside(north):
        before = Entry.objects.count()

    answer = machine(north).post(
        "/api/v1/operations/audit/record", body, content_type="application/json"
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "audit_action_reserved")
    with inside(north):
        assert Entry.objects.count() == before
