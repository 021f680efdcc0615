"""A connection that is lent again brings nothing of the tenant before."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import ProgrammingError, connection, connections, transaction
from django.test import Client

from tenants import grants
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.walls import APP, in_north, state


@pytest.fixture
def pooled(yard: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The application's connection as it is in production, with a pool of one."""
    own = connection.settings_dict
    options = {**own["OPTIONS"], "pool": {"min_size": 1, "max_size": 1}}
    monkeypatch.setitem(connections.settings, "pooled", {**own, "OPTIONS": options})
    yield connections["pooled"]
    connections["pooled"].close()
    connections["pooled"].close_pool()
    del connections["pooled"]


def _state_in_pool(wrapper: Any) -> tuple[str, str]:
    with wrapper.pool.connection() as raw:
        return raw.execute("SELECT current_user, current_schema()").fetchone()


def test_a_connection_goes_back_to_the_pool_without_its_tenant(pooled: Any, yard: Tenant) -> None:
    pooled.set_tenant(yard)
    with pooled.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == (yard.schema_name,)
    pooled.close()

    assert _state_in_pool(pooled) == APP


def test_so_does_one_in_a_transaction_that_failed(pooled: Any, yard: Tenant) -> None:
    pooled.set_tenant(yard)
    with pooled.cursor() as cursor:
        cursor.execute("SELECT 1")
    pooled.set_autocommit(False)
    with pytest.raises(ProgrammingError), pooled.cursor() as cursor:
        cursor.execute("SELECT nothing")
    pooled.close()

    assert _state_in_pool(pooled) == APP


def test_one_that_was_cut_is_replaced(pooled: Any, yard: Tenant) -> None:
    pooled.set_tenant(yard)
    with pooled.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with connection.cursor() as same_login:
        same_login.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    pooled.close()

    assert _state_in_pool(pooled) == APP


def test_a_request_leaves_the_tenant_whatever_comes_of_it(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    caller = machine(north)
    for path, status in (("/api/v1/whoami", 200), ("/api/v1/nothing", 404)):
        assert caller.get(path).status_code == status
        assert state() == APP


ASKED = "SELECT current_user, current_schema(), %s"


def test_a_question_before_entering_is_asked_outside(north: Tenant) -> None:
    assert connection.ask_before_entering(ASKED, ["x"], north) == (*APP, "x")

    with inside(north):
        assert state() == in_north(north)
    assert state() == APP


def test_a_question_before_entering_spares_the_entering(
    north: Tenant, django_assert_num_queries: Any
) -> None:
    connection.ask_before_entering(ASKED, ["x"], north)

    with django_assert_num_queries(1), inside(north):
        state()


def test_who_asks_and_does_not_enter_is_outside(north: Tenant) -> None:
    connection.ask_before_entering(ASKED, ["x"], north)

    assert state() == APP


def test_who_asks_for_one_tenant_and_enters_another_is_in_that_one(
    north: Tenant, south: Tenant
) -> None:
    connection.ask_before_entering(ASKED, ["x"], south)

    with inside(north):
        assert state() == in_north(north)
        with inside(south):
            assert state() == (grants.role_of(south), "t_south")


def test_what_a_rollback_takes_back_is_said_again(north: Tenant) -> None:
    with transaction.atomic():
        connection.ask_before_entering(ASKED, ["x"], north)
        transaction.set_rollback(True)

    with inside(north):
        assert state() == in_north(north)


def test_a_question_that_fails_leaves_the_connection_outside(yard: Tenant) -> None:
    with pytest.raises(ProgrammingError):
        connection.ask_before_entering("SELECT nothing_of_the_kind", [], yard)

    assert state() == APP
    with inside(yard):
        assert state() == (grants.role_of(yard), "t_yard")


def test_asked_and_never_entered_goes_back_to_the_pool_outside(pooled: Any, yard: Tenant) -> None:
    pooled.ask_before_entering(ASKED, ["x"], yard)
    pooled.close()

    assert _state_in_pool(pooled) == APP
