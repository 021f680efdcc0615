"""How connections are set up, changed, checked and removed, and what the trail says of it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.db import connection as database
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.connections import services, uses
from controlplane.connections.kinds import FieldsInvalid, KindUnknown, offered, schema_of
from controlplane.connections.models import Connection
from controlplane.core.actor import Actor, ActorKind, system
from tests.fakes.outside import FakeOutside, told
from tests.integration.connections.conftest import Make

KEY = {"key_name": "X-Api-Key", "api_key": "key-of-the-shop"}
ADA = Actor(ActorKind.MEMBER, "1", "Ada Lovelace")


def _change(shop: Connection, **given: Any) -> Connection:
    values = {**shop.options, **given.pop("values", {})}
    return services.change_connection(
        connection=shop,
        **{
            "name": shop.name, "values": values, "allowed_hosts": shop.allowed_hosts,
            "allowed_paths": shop.allowed_paths, "allowed_methods": shop.allowed_methods,
            "by": ADA, **given,
        },
    )  # fmt: skip


def _trail() -> list[Entry]:
    return list(Entry.objects.filter(subject_type="connection").order_by("sequence"))


def test_secrets_are_encrypted_and_in_no_trail(make: Make) -> None:
    make("rest_key", values=KEY)
    with database.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM connections_connection c")
        assert "key-of-the-shop" not in cursor.fetchone()[0]
    assert "key-of-the-shop" not in json.dumps([entry.data for entry in _trail()])
    assert Connection.objects.get().values["api_key"] == "key-of-the-shop"


def test_an_empty_secret_stays_and_the_trail_names_the_fields(make: Make) -> None:
    shop = make("rest_key", values=KEY)
    changed = _change(shop, name="Shop 2", allowed_paths=["/orders", " ", "/orders"])
    assert changed.values["api_key"] == "key-of-the-shop"
    assert changed.allowed_paths == ["/orders"]
    entry = _trail()[-1]
    assert entry.action == "connection.changed"
    assert entry.actor_label == "Ada Lovelace"
    assert set(entry.data["after"]) == {"name", "allowed_paths"}
    _change(changed, values={"api_key": "another-key-of-it"})
    told_of = _trail()[-1].data
    assert set(told_of["after"]) == {"secrets"}
    assert "another-key" not in json.dumps(told_of)


@pytest.mark.parametrize(
    "change",
    [
        {"values": {"url": "https://elsewhere.example"}},
        {"allowed_hosts": ["elsewhere.example"]},
    ],
)
def test_a_secret_is_not_sent_elsewhere_by_who_does_not_know_it(
    change: dict[str, Any], make: Make
) -> None:
    shop = make("rest_key", values=KEY)
    with pytest.raises(services.SecretsNeeded) as caught:
        _change(shop, **change)
    assert [error.field for error in caught.value.errors] == ["api_key"]
    shop.refresh_from_db()
    assert shop.base_url.startswith("http://127.0.0.1")
    change = {**change, "values": {**change.get("values", {}), "api_key": "key-typed-again"}}
    assert _change(shop, **change).values["api_key"] == "key-typed-again"


def test_a_name_is_taken_once_whatever_its_case(make: Make) -> None:
    make(name="The Shop")
    with pytest.raises(services.ConnectionExists):
        make(name="the shop")
    assert services.get_connection("THE SHOP").name == "The Shop"
    with pytest.raises(services.ConnectionUnknown):
        services.get_connection("another\0")


def test_every_field_at_fault_is_named(make: Make) -> None:
    with pytest.raises(FieldsInvalid) as caught:
        make("shopify", values={"shop": "evil.example/.myshopify.com", "api_version": "latest"})
    assert [error.field for error in caught.value.errors] == ["shop", "access_token", "api_version"]
    with pytest.raises(KindUnknown):
        make("telex")
    with pytest.raises(FieldsInvalid):
        make("rest_key", values={**KEY, "api_key": "two\nlines"})
    with pytest.raises(services.LimitsInvalid) as limits:
        make(allowed_hosts=["a/b"], allowed_paths=["/a/../b"], allowed_methods=["BREW"])
    assert [error.field for error in limits.value.errors] == [
        "allowed_hosts", "allowed_paths", "allowed_methods",
    ]  # fmt: skip
    assert not Connection.objects.exists()


def test_what_is_used_is_not_removed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = make()
    monkeypatch.setattr(uses, "_finders", [lambda found: [f"the workflow of {found.name}"]])
    with pytest.raises(services.ConnectionInUse, match="the workflow of Shop"):
        services.remove_connection(connection=shop, by=ADA)
    monkeypatch.setattr(uses, "_finders", [])
    services.remove_connection(connection=shop, by=ADA)
    assert not Connection.objects.exists()
    assert _trail()[-1].action == "connection.removed"


def test_a_check_says_what_is_wrong(make: Make, outside_system: FakeOutside) -> None:
    shop = make("rest_key", values={**KEY, "health_path": "/me"})
    assert services.check_connection(connection=shop, by=ADA).status == "ok"
    outside_system.answers["/me"] = lambda call: told({}, 401)
    checked = services.check_connection(connection=shop, by=ADA)
    assert (checked.status, checked.last_error) == (
        "failing", "It does not let Pergola in: it answers 401.",
    )  # fmt: skip
    assert [entry.data.get("status") for entry in _trail()[1:]] == ["ok", "failing"]


def test_where_no_path_to_check_is_named_nothing_there_is_enough(
    make: Make, outside_system: FakeOutside
) -> None:
    outside_system.answers["/"] = lambda call: told({}, 404)
    assert services.check_connection(connection=make(), by=ADA).status == "ok"


def test_a_web_page_is_no_erpnext(make: Make, outside_system: FakeOutside) -> None:
    path = "/api/method/frappe.auth.get_logged_user"
    outside_system.answers[path] = lambda call: (200, {"Content-Type": "text/html"}, b"<html>")
    found = make("erpnext", values={"api_key": "a-key-of-it", "api_secret": "a-secret-of-it"})
    assert "text/html" in services.check_connection(connection=found, by=ADA).last_error


def test_a_wrong_key_of_odoo_is_told(make: Make) -> None:
    given = {"database": "north", "login": "ada", "api_key": "odoo-key-of-ada"}
    good = services.check_connection(connection=make("odoo", values=given), by=ADA)
    wrong = make("odoo", name="Wrong", values={**given, "api_key": "not-the-key-of-ada"})
    bad = services.check_connection(connection=wrong, by=ADA)
    assert good.status == "ok"
    assert "does not know the login" in bad.last_error
    assert "not-the-key" not in bad.last_error


def test_a_wrong_key_of_a_newer_odoo_is_told(make: Make) -> None:
    good = make("odoo_json2", values={"api_key": "odoo-key-of-ada"})
    wrong = make("odoo_json2", name="Wrong", values={"api_key": "not-the-key-of-ada"})
    assert services.check_connection(connection=good, by=ADA).status == "ok"
    assert (
        "does not let Pergola in" in services.check_connection(connection=wrong, by=ADA).last_error
    )


def test_the_beat_checks_what_is_due_and_tells_only_of_changes(
    make: Make, outside_system: FakeOutside
) -> None:
    shop = make()
    make(name="Off", is_active=False)
    assert services.check_due() == 1
    assert services.check_due() == 0
    Connection.objects.update(last_checked_at=timezone.now() - timedelta(hours=1))
    assert services.check_due() == 1
    checks = [entry for entry in _trail() if entry.action == "connection.checked"]
    assert len(checks) == 1
    services.check_connection(connection=shop, by=system("connections"))
    assert len(_trail()) == len([*checks, "created", "created"])


def test_the_beat_leaves_the_asking_to_the_tenants_own_lane(
    make: Make, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(Celery, "send_task", lambda _app, name, **_given: sent.append(name))
    make()
    with django_capture_on_commit_callbacks(execute=True):
        services.enqueue_due()
    assert sent == ["connections.check_due"]
    services.check_due()
    with django_capture_on_commit_callbacks(execute=True):
        services.enqueue_due()
    assert len(sent) == 1


def test_a_kind_is_declared_once_for_form_schema_and_docs() -> None:
    for kind in offered():
        schema = schema_of(kind)
        assert set(schema["properties"]) == {field.name for field in kind.fields}
        for field in kind.secret_fields:
            assert schema["properties"][field.name]["writeOnly"] is True
        assert all(about["description"] for about in schema["properties"].values())


def test_secrets_that_do_not_open_any_more_are_typed_in_again(make: Make) -> None:
    shop, other = make("rest_key", values=KEY), make("rest_key", name="Other", values=KEY)
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE connections_connection SET secrets = (SELECT secrets FROM"
            " connections_connection WHERE id = %s) WHERE id = %s",
            [other.pk, shop.pk],
        )
    shop = services.get_connection("Shop")
    with pytest.raises(services.SecretsUnreadable):
        services.call(connection=shop, method="GET", path="/", by=ADA)
    assert "Type them in again" in services.check_connection(connection=shop, by=ADA).last_error
    with pytest.raises(FieldsInvalid):
        _change(shop)
    changed = _change(shop, values={"api_key": "key-typed-again"})
    assert changed.values["api_key"] == "key-typed-again"
    services.remove_connection(connection=changed, by=ADA)
