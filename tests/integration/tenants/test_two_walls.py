"""One tenant cannot read another's rows, even where a query names them outright."""

import os
import threading
import uuid
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import (
    DatabaseError,
    IntegrityError,
    ProgrammingError,
    connection,
    transaction,
)

from controlplane.audit.services import record
from controlplane.events import outbox
from controlplane.events.models import OutboxMessage
from tenants import grants
from tenants.context import NoTenant, current_schema, inside, outside
from tenants.models import Tenant
from tests.factories.events import ADA
from tests.factories.walls import APP, in_north, state

OUTSIDE_TABLES = [
    "t_south.orders_order",
    "t_south.events_event",
    "t_south.audit_entry",
    "public.tenants_apikey",
    "public.tenants_tenant",
    "public.tenants_member",
    "public.auth_user",
    "public.django_session",
    "public.events_outboxmessage",
    "public.instances_instance",
]


def read(table: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("table", OUTSIDE_TABLES)
def test_a_tenant_is_denied_what_is_not_its_own(tenant: Tenant, table: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        read(table)


def test_a_tenant_reads_its_own_and_the_catalog(tenant: Tenant) -> None:
    assert read("t_north.orders_order") == read("orders_order") == 0
    assert read("catalog_release") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t_south.events_source (id) VALUES (gen_random_uuid())",
        "UPDATE t_south.orders_order SET outcome = 'accepted'",
        "DELETE FROM t_south.approvals_approval",
        "UPDATE public.catalog_release SET workflow_hash = ''",
        "DELETE FROM public.events_outboxmessage",
        "CREATE TABLE t_north.loot (id int)",
        "CREATE TABLE public.loot (id int)",
        "DROP TABLE t_north.orders_order CASCADE",
        "SET ROLE pergola_owner",
        "CREATE TEMPORARY TABLE orders_order (id int)",
    ],
)
def test_a_tenant_cannot_write_elsewhere_or_change_the_schema(
    tenant: Tenant, statement: str
) -> None:
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_tenant_puts_messages_into_the_outbox_in_its_own_name_only(tenant: Tenant) -> None:
    """A message runs a handler inside the tenant that it names."""
    order = uuid.uuid4()
    outbox.put("events.deliver", order)

    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        OutboxMessage.objects.create(
            schema_name="t_south", handler="events.deliver", reference=order
        )
    with outside():
        assert set(OutboxMessage.objects.values_list("schema_name", "reference")) == {
            ("t_north", order)
        }


def test_another_search_path_gives_no_other_name(tenant: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = t_south, public")

    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        OutboxMessage.objects.create(
            schema_name="t_south", handler="events.deliver", reference=uuid.uuid4()
        )


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET action = 'x.y'", "DELETE FROM audit_entry"]
)
def test_a_tenant_adds_to_its_audit_trail_and_changes_nothing_in_it(
    tenant: Tenant, statement: str
) -> None:
    record(action="order.seen", subject_type="order", subject_id="1", data={}, by=ADA)

    with (
        pytest.raises(ProgrammingError, match="permission denied for table audit_entry"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize("table", ["t_north.orders_order", "t_south.events_event"])
def test_outside_of_tenants_the_application_reads_no_tenant(north: Tenant, table: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        read(table)


def test_without_the_second_wall_the_same_query_reads_the_neighbour(yard: Tenant) -> None:
    """So the denial comes from the role, and not from a query that fails anyhow."""
    query = "SELECT count(*) FROM t_south.orders_order"
    url = urlunsplit(("postgresql", *urlsplit(os.environ["DATABASE_OWNER_URL"])[1:]))
    with psycopg.connect(url) as owner:
        owner.execute("SET search_path = t_yard, public")
        assert owner.execute(query).fetchone() == (0,)

    with inside(yard), pytest.raises(ProgrammingError, match="permission denied"):
        read("t_south.orders_order")


def test_without_its_role_a_tenant_reads_nothing_at_all(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application's login inherits no tenant's rights, so a role that is not set shows."""
    monkeypatch.setitem(connection.settings_dict, "TENANT_ROLES", False)
    connection.set_tenant(tenant)

    assert state() == APP
    with pytest.raises(ProgrammingError), transaction.atomic():
        read("orders_order")


def test_entering_and_leaving_sets_both_walls(north: Tenant, south: Tenant) -> None:
    assert state() == APP
    with inside(north):
        assert state() == in_north(north)
        with outside():
            assert state() == APP
        assert state() == in_north(north)
        with inside(south):
            assert state() == (grants.role_of(south), "t_south")
        assert state() == in_north(north)
    assert state() == APP


def test_an_error_inside_leaves_the_tenant(north: Tenant) -> None:
    with pytest.raises(ZeroDivisionError), inside(north):
        assert read("orders_order") / 0

    assert state() == APP
    with pytest.raises(NoTenant):
        current_schema()


def test_an_error_outside_comes_back_in(tenant: Tenant) -> None:
    with pytest.raises(ZeroDivisionError), outside():
        raise ZeroDivisionError

    assert state() == in_north(tenant)


def test_what_needs_a_tenant_says_so(db: None) -> None:
    with pytest.raises(NoTenant):
        current_schema()


def test_a_rolled_back_savepoint_keeps_both_walls(tenant: Tenant) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        read("t_south.orders_order")

    assert state() == in_north(tenant)


def test_a_savepoint_that_was_opened_before_entering_does_not_leave_the_tenant(
    north: Tenant,
) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic(), inside(north):
        assert read("orders_order") / 0

    assert state() == APP


def test_entering_inside_a_savepoint_that_rolls_back_sets_both_again(north: Tenant) -> None:
    with inside(north):
        try:
            with transaction.atomic():
                assert state() == in_north(north)
                raise IntegrityError
        except IntegrityError:
            pass
        assert state() == in_north(north)


def test_a_rollback_keeps_both_walls(yard: Tenant) -> None:
    with inside(yard):
        with pytest.raises(DatabaseError), transaction.atomic():
            read("t_south.orders_order")
        assert state() == (grants.role_of(yard), "t_yard")
        transaction.set_autocommit(False)
        try:
            read("orders_order")
            transaction.rollback()
            assert state() == (grants.role_of(yard), "t_yard")
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)
        assert state() == (grants.role_of(yard), "t_yard")
    assert state() == APP


def test_a_reconnect_keeps_both_walls(yard: Tenant) -> None:
    with inside(yard):
        read("orders_order")
        connection.close()
        assert state() == (grants.role_of(yard), "t_yard")
    connection.close()
    assert state() == APP


def test_a_connection_that_the_server_ends_comes_back_inside(yard: Tenant) -> None:
    with inside(yard):
        with connection.cursor() as cursor, pytest.raises(DatabaseError):
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        connection.close_if_unusable_or_obsolete()
        assert state() == (grants.role_of(yard), "t_yard")


def test_threads_are_each_in_their_own_tenant(yard: Tenant) -> None:
    from tenants.lookup import tenant_by_slug

    seen: dict[str, set[tuple[str, str]]] = {"north": set(), "south": set()}
    ready = threading.Barrier(2)

    def work(slug: str) -> None:
        tenant = tenant_by_slug(slug)
        for _round in range(20):
            ready.wait(timeout=10)
            with inside(tenant):
                seen[slug].add(state())
        connection.close()

    threads = [threading.Thread(target=work, args=(slug,)) for slug in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert {slug: {schema for _r, schema in found} for slug, found in seen.items()} == {
        "north": {"t_north"}, "south": {"t_south"},
    }  # fmt: skip
    assert all(len(found) == 1 for found in seen.values())
