"""OAuth 2: tokens are fetched once, renewed when they end, and no other tenant's."""

from typing import Any

import pytest
from django.core.cache import cache

from controlplane.connections import services
from controlplane.connections.errors import CallRejected
from controlplane.connections.kinds.rest import LoginRefused
from controlplane.connections.models import Connection
from controlplane.connections.tokens import Tokens
from tenants.context import inside
from tenants.models import Tenant
from tests.fakes.outside import FakeOutside, told
from tests.integration.connections.conftest import BY, Make


@pytest.fixture
def oauth(make: Make, outside_system: FakeOutside) -> Connection:
    return make("rest_oauth2", values=_values(outside_system))


def _values(fake: FakeOutside, **given: str) -> dict[str, str]:
    return {
        "token_url": f"{fake.url}/token", "client_id": "client",
        "client_secret": "secret-of-client", **given,
    }  # fmt: skip


def _call(connection: Connection, path: str = "/protected") -> Any:
    return services.call(connection=connection, method="GET", path=path, by=BY)


def test_a_token_is_fetched_once(oauth: Connection, outside_system: FakeOutside) -> None:
    for _turn in range(3):
        assert _call(oauth).body == {"by": "you"}
    assert outside_system.paths().count("/token") == 1


def test_a_token_that_has_ended_is_renewed(oauth: Connection, outside_system: FakeOutside) -> None:
    _call(oauth)
    outside_system.tokens.clear()
    assert _call(oauth).body == {"by": "you"}
    assert outside_system.issued == 2


def test_a_token_is_not_kept_longer_than_it_is_good(
    oauth: Connection, outside_system: FakeOutside, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    monkeypatch.setattr(cache, "set", lambda key, value, seconds: kept.append(seconds))
    for told_seconds in (3600, 40, "600", None, "soon", -5, float("1e99")):
        outside_system.expires_in = told_seconds
        _call(oauth)
    assert kept == [3570, 20, 570, 270, 270, 270, 24 * 3600 - 30]


def test_a_token_that_never_works_is_asked_for_twice_and_no_more(
    oauth: Connection, outside_system: FakeOutside
) -> None:
    outside_system.answers["/protected"] = lambda call: told({}, 401)
    with pytest.raises(CallRejected):
        _call(oauth)
    assert outside_system.issued == 2
    oauth.refresh_from_db()
    assert oauth.status == "failing"


def test_a_refusal_says_so_without_the_secret(make: Make, outside_system: FakeOutside) -> None:
    wrong = make("rest_oauth2", values=_values(outside_system, client_secret="not-the-secret"))
    with pytest.raises(LoginRefused, match="invalid_client") as caught:
        _call(wrong)
    assert "not-the-secret" not in caught.value.detail


@pytest.mark.parametrize(
    "answer",
    [
        told({}), told([]), told({"access_token": 7}), told({"access_token": "a\r\nB: c"}),
        told({"access_token": "a", "token_type": "mac"}), (200, {}, b"<html>"), told({}, 500),
    ],
)  # fmt: skip
def test_what_is_no_token_is_not_sent(
    answer: Any, oauth: Connection, outside_system: FakeOutside
) -> None:
    outside_system.answers["/token"] = lambda call: answer
    with pytest.raises(LoginRefused):
        _call(oauth)
    assert "/protected" not in outside_system.paths()


def test_the_client_may_say_who_it_is_in_the_body(make: Make, outside_system: FakeOutside) -> None:
    values = _values(outside_system, client_place="body", scope="read write")
    assert _call(make("rest_oauth2", values=values)).body == {"by": "you"}
    assert b"scope=read+write" in outside_system.calls[0].body
    assert "authorization" not in outside_system.calls[0].headers


def test_new_secrets_get_a_token_of_their_own(
    oauth: Connection, outside_system: FakeOutside
) -> None:
    _call(oauth)
    outside_system.clients = {"client": "the-second-secret"}
    services.change_connection(
        connection=oauth,
        name=oauth.name,
        values={**oauth.options, "client_secret": "the-second-secret"},
        allowed_methods=["GET"],
        by=BY,
    )
    oauth.refresh_from_db()
    _call(oauth)
    assert outside_system.issued == 2


def test_a_token_is_neither_found_nor_read_by_another_tenant(
    oauth: Connection, south: Tenant, outside_system: FakeOutside
) -> None:
    values = oauth.values
    Tokens(oauth, values).remembered("token", lambda: ("norths-own-token", 60.0))
    sealed = cache.get(Tokens(oauth, values)._key("token"))
    assert "norths-own-token" not in sealed
    with inside(south):
        souths = Tokens(oauth, values)
        assert souths.remembered("token", lambda: ("souths-own-token", 60.0)) == "souths-own-token"
        # Also where the cache itself mixed them up.
        cache.set(souths._key("token"), sealed, 60)
        assert souths.remembered("token", lambda: ("asked-again", 60.0)) == "asked-again"
    assert Tokens(oauth, values).remembered("token", lambda: ("no", 1.0)) == "norths-own-token"
