"""Connecting an outside system in the portal: typed, tried, changed, searched and removed."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from controlplane.connections import uses
from controlplane.connections.kinds import offered
from controlplane.connections.models import Connection
from controlplane.connections.services import create_connection
from controlplane.core.actor import system
from tenants.context import inside
from tenants.models import Tenant
from tests.fakes.outside import FakeOutside, running_outside, told

Browser = Callable[..., Client]
KEY = "key-of-the-shop"
QUERIES_OF_LIST = 16


@pytest.fixture
def web(settings: Any) -> Iterator[FakeOutside]:
    with running_outside() as fake:
        settings.CONNECTION_PRIVATE_HOSTS = [fake.host]
        yield fake


@pytest.fixture
def manager(north: Tenant, browser: Browser) -> Client:
    return browser(north, role="manager")


def _typed(web: FakeOutside, **given: Any) -> dict[str, Any]:
    return {
        "name": "Shop", "url": web.url, "place": "header", "key_name": "X-Api-Key",
        "api_key": KEY, "health_path": "/me", "allowed_methods": ["GET", "POST"],
        "allowed_paths": "/orders\n/shops/*/orders", "is_active": "on", **given,
    }  # fmt: skip


def _made(north: Tenant, web: FakeOutside, name: str = "Shop", **given: Any) -> Connection:
    values = {"url": web.url, "key_name": "X-Api-Key", "api_key": KEY, "health_path": "/me"}
    with inside(north):
        return create_connection(
            name=name, kind="rest_key", values=values, by=system("tests"), **given
        )


def test_a_system_is_connected_and_tried_at_once(
    north: Tenant, manager: Client, web: FakeOutside
) -> None:
    answer = manager.post("/connections/new/rest_key/", _typed(web), follow=True)
    page = answer.content.decode()
    assert "“Shop” answers." in page
    assert "Working" in page
    assert KEY not in page
    assert web.calls[0].headers["x-api-key"] == KEY
    with inside(north):
        found = Connection.objects.get()
    assert found.allowed_paths == ["/orders", "/shops/*/orders"]


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays_but_no_secret(
    north: Tenant, manager: Client, web: FakeOutside
) -> None:
    typed = _typed(web, url="http://shop.example", allowed_paths="/a/../b")
    answer = manager.post("/connections/new/rest_key/", typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "begins with https://" in page
    assert 'value="http://shop.example"' in page
    assert KEY not in page
    with inside(north):
        assert not Connection.objects.exists()


def test_a_key_of_many_lines_does_not_come_back_either(manager: Client) -> None:
    typed = {"name": "Drop", "host": "a b", "private_key": "-----BEGIN\nof-the-drop\n"}
    answer = manager.post("/connections/new/sftp/", typed)
    assert answer.status_code == 422
    assert "of-the-drop" not in answer.content.decode()


def test_a_system_that_does_not_answer_is_kept_and_says_why(
    manager: Client, web: FakeOutside
) -> None:
    web.answers["/me"] = lambda call: told({}, 401)
    page = manager.post("/connections/new/rest_key/", _typed(web), follow=True).content.decode()
    assert "does not work yet" in page
    assert "It does not let Pergola in: it answers 401." in page
    web.answers.clear()
    shop = re.search(r"/connections/([0-9a-f-]{36})/check/", page)
    assert shop
    tried = manager.post(f"/connections/{shop[1]}/check/", follow=True).content.decode()
    assert "“Shop” answers." in tried
    assert "answers 401" not in tried


def test_an_empty_secret_stays_and_another_address_asks_for_it(
    north: Tenant, manager: Client, web: FakeOutside
) -> None:
    shop = _made(north, web)
    page = manager.get(f"/connections/{shop.pk}/edit/").content.decode()
    assert KEY not in page
    assert "Leave it empty to keep it" in page
    address = f"/connections/{shop.pk}/edit/"
    manager.post(address, _typed(web, name="Shop 2", api_key=""))
    refused = manager.post(address, _typed(web, url="https://evil.example", api_key=""))
    assert refused.status_code == 422
    assert "is needed again" in refused.content.decode()
    with inside(north):
        found = Connection.objects.get()
    assert (found.name, found.base_url, found.values["api_key"]) == ("Shop 2", web.url, KEY)


def test_a_taken_name_is_said(north: Tenant, manager: Client, web: FakeOutside) -> None:
    _made(north, web)
    answer = manager.post("/connections/new/rest_key/", _typed(web, name="SHOP"))
    assert answer.status_code == 422
    assert "is taken" in answer.content.decode()


def test_what_is_used_is_not_removed(
    north: Tenant, manager: Client, web: FakeOutside, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = _made(north, web)
    monkeypatch.setattr(uses, "_finders", [lambda found: ["the template Review"]])
    refused = manager.post(f"/connections/{shop.pk}/remove/", {"sure": "yes"})
    assert refused.status_code == 409
    assert "is used by the template Review" in refused.content.decode()
    monkeypatch.setattr(uses, "_finders", [])
    manager.post(f"/connections/{shop.pk}/remove/")
    with inside(north):
        assert Connection.objects.exists(), "nobody was sure"
    manager.post(f"/connections/{shop.pk}/remove/", {"sure": "yes"})
    with inside(north):
        assert not Connection.objects.exists()


def test_the_list_is_searched_sorted_and_paged(
    north: Tenant, manager: Client, web: FakeOutside, django_assert_max_num_queries: Any
) -> None:
    for number in range(25):
        _made(north, web, name=f"Shop {number:02}")
    with django_assert_max_num_queries(QUERIES_OF_LIST):
        page = manager.get("/connections/").content.decode()
    assert page.count('class="row-title"') == 20
    assert "Shop 24" in manager.get("/connections/?page=2").content.decode()
    first = manager.get("/connections/?sort=-name").content.decode()
    assert first.index("Shop 24") < first.index("Shop 23")
    found = manager.get("/connections/?q=shop+07").content.decode()
    assert found.count('class="row-title"') == 1
    assert "Nothing fits" in manager.get("/connections/?q=nothing").content.decode()


def test_every_kind_has_a_form_with_its_fields(manager: Client) -> None:
    chosen = manager.get("/connections/new/").content.decode()
    for kind in offered():
        assert f"/connections/new/{kind.name}/" in chosen
        page = manager.get(f"/connections/new/{kind.name}/").content.decode()
        for field in kind.fields:
            assert f'name="{field.name}"' in page
    assert manager.get("/connections/new/telex/").status_code == 302


def test_who_may_not_change_connections_sees_their_health_alone(
    north: Tenant, browser: Browser, web: FakeOutside
) -> None:
    shop = _made(north, web)
    viewer = browser(north, role="viewer")
    assert "Shop" in viewer.get("/connections/").content.decode()
    page = viewer.get(f"/connections/{shop.pk}/").content.decode()
    assert "Check now" not in page
    for step in ("edit", "check", "remove"):
        assert viewer.post(f"/connections/{shop.pk}/{step}/", {"sure": "yes"}).status_code == 403
    assert viewer.get("/connections/new/").status_code == 403


def test_a_connection_of_another_tenant_is_not_there(
    north: Tenant, south: Tenant, browser: Browser, web: FakeOutside
) -> None:
    shop = _made(north, web)
    stranger = browser(south, role="manager")
    assert stranger.get(f"/connections/{shop.pk}/").status_code == 404
    assert "Shop" not in stranger.get("/connections/").content.decode()
