"""A pooled connection that has touched many tenants is replaced, since it never forgets them."""

import os
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from tenants.database import pool as recycling
from tenants.database.pool import lend_the_last_first, note_schema, reset_connection


def backend_after(pool: ConnectionPool, schemas: int) -> tuple[int, int]:
    """The server processes of two users, the first of which touched that many schemas."""
    with pool.connection() as first:
        before = first.info.backend_pid
        for number in range(schemas):
            note_schema(first, f"t_{number}")
        first.commit()
        reset_connection(first)
    with pool.connection(timeout=10) as second:
        return before, second.info.backend_pid


@pytest.fixture
def pool(django_db_setup: None) -> Any:
    with ConnectionPool(os.environ["DATABASE_URL"], min_size=1, max_size=1, open=True) as made:
        yield made


def test_a_connection_that_has_seen_few_tenants_stays(pool: ConnectionPool) -> None:
    before, after = backend_after(pool, recycling.MOST_SCHEMAS)

    assert before == after


def test_one_that_has_seen_many_is_replaced(pool: ConnectionPool) -> None:
    before, after = backend_after(pool, recycling.MOST_SCHEMAS + 1)

    assert before != after


def test_the_one_that_came_back_last_is_lent_first(django_db_setup: None) -> None:
    with ConnectionPool(os.environ["DATABASE_URL"], min_size=3, max_size=3, open=True) as pool:
        pool.wait()
        lend_the_last_first(pool)
        lent = [pool.getconn() for _number in range(3)]
        for connection in (lent[1], lent[0], lent[2]):
            pool.putconn(connection)

        assert pool.getconn() is lent[2]
        assert pool.getconn() is lent[0]
