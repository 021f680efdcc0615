"""What is odd is counted once an hour for each kind and person or key, and never in the way."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client, override_settings
from django.utils import timezone

from tenants.context import inside
from tenants.models import ApiKey, KnownNetwork, Member, SecurityEvent, Tenant
from tenants.security import bursts, watch
from tenants.security.events import note
from tenants.security.networks import note_network
from tenants.security.retention import forget_old

Kind = SecurityEvent.Kind
MakeMember = Callable[..., Member]


def found(kind: str, **where: Any) -> list[SecurityEvent]:
    return list(SecurityEvent.objects.filter(kind=kind, **where))


def log_in(tenant: Tenant, login: str, password: str, **headers: str) -> Any:
    client = Client(headers={"host": tenant.host}, **headers)
    return client.post("/accounts/login/", {"login": login, "password": password})


def test_failed_log_ins_are_one_row_an_hour(north: Tenant, make_member: MakeMember) -> None:
    member = make_member(north)
    for _try in range(3):
        log_in(north, "ada-north", "wrong", REMOTE_ADDR="203.0.113.7")
    for name in ("a", "b", "ada@nowhere.example"):
        log_in(north, name, "wrong")

    of_ada, unknown = sorted(found(Kind.FAILED_LOG_IN), key=lambda event: event.user_id is None)
    assert (of_ada.user, of_ada.tenant, of_ada.count) == (member.user, north, 3)
    assert of_ada.network == "203.0.113.0/24"
    assert (unknown.user, unknown.count) == (None, 3)


def test_too_many_tries_lock_the_account_for_a_while(
    north: Tenant, south: Tenant, make_member: MakeMember
) -> None:
    """At every host alike: another tenant's would be some more tries."""
    member = make_member(north, name="lena")
    with override_settings(ACCOUNT_RATE_LIMITS={"login_failed": "3/5m/key", "login": "99/m/ip"}):
        for _try in range(2):
            log_in(north, "lena-north", "wrong")
        log_in(south, "lena-north", "wrong")
        page = log_in(north, "lena-north", "correct horse battery").content.decode()

    assert "too often" in page
    (event,) = found(Kind.LOCKED_OUT)
    assert (event.user, event.tenant, event.count) == (member.user, north, 1)


def test_the_page_answers_429_where_one_network_tries_too_much(north: Tenant) -> None:
    with override_settings(ACCOUNT_RATE_LIMITS={"login": "1/m/ip"}):
        statuses = [
            log_in(north, "x", "y", REMOTE_ADDR="198.51.100.9").status_code for _try in range(2)
        ]

    assert statuses == [200, 429]


def test_a_refused_key_is_told_to_its_own_tenant(
    north: Tenant, south: Tenant, machine: Callable[..., Client]
) -> None:
    client = machine(north)
    key = ApiKey.objects.get()
    key.revoke()
    client.get("/api/v1/subscriptions")
    Client(headers={"host": south.host, "authorization": "Bearer nonsense"}).get(
        "/api/v1/approvals"
    )

    (of_north,) = found(Kind.KEY_REFUSED, tenant=north)
    (of_south,) = found(Kind.KEY_REFUSED, tenant=south)
    assert (of_north.key, of_south.key) == (key, None)


def test_who_asks_at_a_foreign_tenant_is_noted_at_both(
    north: Tenant, south: Tenant, machine: Callable[..., Client], browser: Callable[..., Client]
) -> None:
    client = machine(north)
    client.defaults["HTTP_HOST"] = south.host
    assert client.get("/api/v1/approvals").status_code == 401
    stranger = browser(north, name="sue")
    stranger.defaults["HTTP_HOST"] = south.host
    assert stranger.get("/orders/").status_code == 403

    (at_home,) = found(Kind.FOREIGN_TENANT, tenant=north)
    assert at_home.key == ApiKey.objects.get()
    abroad = found(Kind.FOREIGN_TENANT, tenant=south)
    assert {(event.key, bool(event.user)) for event in abroad} == {(None, False), (None, True)}


def test_a_new_network_is_noted_after_the_first(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    client = machine(north)
    for address in ("203.0.113.1", "203.0.113.200", "203.0.113.1"):
        client.get("/api/v1/subscriptions", REMOTE_ADDR=address)
    assert found(Kind.NEW_NETWORK) == []

    client.get("/api/v1/subscriptions", REMOTE_ADDR="2001:db8:7:1::5")

    (event,) = found(Kind.NEW_NETWORK)
    assert (event.key, event.network) == (ApiKey.objects.get(), "2001:db8:7::/48")
    assert KnownNetwork.objects.count() == 2


def test_a_person_from_a_new_network_is_noted_at_log_in(
    north: Tenant, make_member: MakeMember
) -> None:
    member = make_member(north, name="lena")
    for address in ("203.0.113.1", "198.51.100.1"):
        log_in(north, "lena-north", "correct horse battery", REMOTE_ADDR=address)

    (event,) = found(Kind.NEW_NETWORK)
    assert (event.user, event.network) == (member.user, "198.51.100.0/24")


def test_a_burst_is_noted_once_a_minute(
    north: Tenant, machine: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bursts, "FLOOR", 3)
    monkeypatch.setattr(watch, "_bursts", bursts.Bursts())
    client = machine(north)
    for _call in range(5):
        client.get("/api/v1/subscriptions")

    (event,) = found(Kind.BURST)
    assert (event.key, event.tenant, event.count) == (ApiKey.objects.get(), north, 1)


def test_the_usual_call_costs_no_query_more(
    north: Tenant, machine: Callable[..., Client], django_assert_num_queries: Any
) -> None:
    client = machine(north)
    client.get("/api/v1/subscriptions", REMOTE_ADDR="203.0.113.1")
    key = ApiKey.objects.get()

    with django_assert_num_queries(0):
        note_network("203.0.113.0/24", tenant=north, key=key)
        watch._bursts.begins(str(key.pk))


def test_noting_never_fails_and_leaves_the_tenant_entered(
    north: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.security.events.COUNT", "INSERT INTO nowhere VALUES (1)")
    with inside(north), transaction.atomic():
        note(Kind.BURST, tenant=north)
        assert connection.tenant == north
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM orders_order")

    def broken(*_: object, **__: object) -> None:
        raise DatabaseError

    monkeypatch.setattr("tenants.security.networks._see", broken)
    note_network("192.0.2.0/24", tenant=north, key=ApiKey())
    assert not SecurityEvent.objects.exists()


def test_what_is_old_is_forgotten(north: Tenant, machine: Callable[..., Client]) -> None:
    machine(north).get("/api/v1/subscriptions", REMOTE_ADDR="203.0.113.1")
    note(Kind.BURST, tenant=north)
    assert forget_old() == 0
    long_ago = timezone.now() - timedelta(days=181)
    SecurityEvent.objects.update(last_at=long_ago)
    KnownNetwork.objects.update(last_seen_at=long_ago)

    assert forget_old() == 2
