"""Machines go through a short chain of middleware, in which nobody is known by a cookie."""

from collections.abc import Callable
from typing import Any

import pytest
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings

from controlplane.api import machines
from tenants.context import inside
from tenants.doors import Door
from tenants.models import ApiKey, Tenant
from tests.factories.events import make_source, order_body, webhook_headers
from tests.integration.isolation.doors import ADDRESSES

ONLY_THE_LONG_ONE = [name for name in settings.MIDDLEWARE if not name.endswith("MachineMiddleware")]
# What machines do without, and why they may.
LEFT_OUT = {
    "whitenoise.middleware.WhiteNoiseMiddleware": "static files stand elsewhere",
    "csp.middleware.CSPMiddleware": "the policy is written by the chain itself",
    "controlplane.core.csp.LooserForLibrariesMiddleware": "for pages of libraries",
    "django.contrib.sessions.middleware.SessionMiddleware": "a cookie says nothing here",
    "django.middleware.common.CommonMiddleware": "the length is written by the chain itself",
    "django.middleware.csrf.CsrfViewMiddleware": "a browser sends neither key nor signature",
    "django.contrib.auth.middleware.AuthenticationMiddleware": "nobody is logged in here",
    "allauth.account.middleware.AccountMiddleware": "nobody logs in here",
    "django.contrib.messages.middleware.MessageMiddleware": "for pages",
    "django_htmx.middleware.HtmxMiddleware": "for pages",
    "tenants.security.factors.AdminFactorMiddleware": "for the admin",
}
WHOAMI = "/api/v1/whoami"
# One that serves a key or a member.
APPROVALS = "/api/v1/approvals"
NOBODYS = f"pgl_live_{'0' * 12}_{'0' * 64}"


def test_every_middleware_is_in_both_chains_or_says_why_not() -> None:
    both = set(settings.MACHINE_MIDDLEWARE)

    assert both <= set(ONLY_THE_LONG_ONE)
    assert set(ONLY_THE_LONG_ONE) - both == set(LEFT_OUT)
    # In the same order: what stands outside of what decides what a refusal looks like.
    assert [n for n in ONLY_THE_LONG_ONE if n in both] == settings.MACHINE_MIDDLEWARE


def test_only_addresses_for_keys_and_members_begin_as_the_api_does() -> None:
    doors = {a.route: a.door for a in ADDRESSES if f"/{a.route}".startswith(machines.API)}

    assert doors.pop("api/v<anything:rest>") is Door.SHARED
    assert set(doors.values()) == {Door.KEY, Door.KEY_OR_MEMBER}


@pytest.fixture
def asked(north: Tenant) -> list[Callable[[Client], HttpResponse]]:
    """What machines ask, well and badly."""
    with inside(north):
        make_source()
    _key, text = ApiKey.issue(tenant=north, name="ERP", scopes=["audit:record"])
    body = order_body(1)
    key = {"authorization": f"Bearer {text}", "host": north.host}
    shop = {**webhook_headers(body), "host": "localhost"}

    def get(path: str, **headers: str) -> Callable[[Client], HttpResponse]:
        return lambda client: client.get(path, headers=headers)

    def post(path: str, sent: Any, **headers: str) -> Callable[[Client], HttpResponse]:
        return lambda client: client.post(path, sent, "application/json", headers=headers)

    return [
        get(WHOAMI, **key),
        get(WHOAMI, **key | {"host": "localhost"}),
        get(WHOAMI, **key | {"authorization": f"Bearer {NOBODYS}"}),
        get(WHOAMI, **key | {"host": "south.localhost"}),
        get(WHOAMI, **key | {"host": "nobody.localhost"}),
        get(WHOAMI, **key | {"host": "elsewhere.example"}),
        get("/api/v1/nothing", **key),
        get(APPROVALS, **key),
        post(WHOAMI, "{}", **key),
        post("/api/v1/operations/audit/record", "{", **key),
        post("/api/v1/operations/order/review", "{}", **key),
        post("/in/north/shop", body, **shop),
        post("/in/north/shop", body, **shop),
        post("/in/north/shop", b"{}", **shop),
        post("/in/north/nothing", body, **shop),
        post("/in/nobody/shop", body, **shop),
        get("/in/north/shop", host="localhost"),
        get("/in/north/shop/further", host="localhost"),
        get("/in/north/shop", host=north.host),
    ]


def told(answer: HttpResponse) -> tuple[int, dict[str, str]]:
    changing = {"X-Request-ID", "Content-Length"}
    return answer.status_code, {k: v for k, v in answer.headers.items() if k not in changing}


def test_an_answer_has_the_same_status_and_headers_as_in_the_long_chain(
    asked: list[Callable[[Client], HttpResponse]],
) -> None:
    answers = [ask(Client()) for ask in asked]
    short = [told(answer) for answer in answers]
    with override_settings(MIDDLEWARE=ONLY_THE_LONG_ONE):
        long = [told(ask(Client())) for ask in asked]

    # The event is new for one of them only.
    assert (short[11][0], long[11][0]) == (202, 200)
    short[11] = (200, short[11][1])
    for (status, headers), (_status, expected) in zip(short, long, strict=True):
        # Of what is refused for its host the long chain writes no policy.
        assert headers.pop("Content-Security-Policy") == expected.pop(
            "Content-Security-Policy", build_policy()
        )
        assert (status, headers) == (_status, expected)
    for answer in answers:
        assert answer.headers["Content-Length"] == str(len(answer.content))
    headers = answers[0].headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "default-src 'self'" in headers["Content-Security-Policy"]


def test_the_short_chain_asks_for_no_session(north: Tenant, machine: Callable[..., Client]) -> None:
    caller = machine(north)
    caller.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32

    request = caller.get(WHOAMI).wsgi_request

    assert not hasattr(request, "session")
    assert request.user.actor.label


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "bearer x", "BEARER\tx", f"Bearer {NOBODYS}", "Bearer  Bearer x"],
)
def test_a_cookie_beside_a_key_that_is_none_opens_nothing(
    authorization: str, north: Tenant, browser: Callable[..., Client]
) -> None:
    ada = browser(north)
    assert ada.get(APPROVALS).status_code == 200

    answer = ada.get(APPROVALS, headers={"authorization": authorization})

    if machines.is_of_a_machine(answer.wsgi_request):
        assert answer.status_code == 401
        assert not hasattr(answer.wsgi_request, "session")
    else:
        # No key by the door's reading either: the member's session, with all that it needs.
        assert answer.wsgi_request.session


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (APPROVALS, {}),
        (APPROVALS, {"authorization": ""}),
        (APPROVALS, {"authorization": "Basic YTpi"}),
        (APPROVALS, {"authorization": NOBODYS}),
        (APPROVALS, {"x-authorization": f"Bearer {NOBODYS}"}),
        ("/orders/", {"authorization": f"Bearer {NOBODYS}"}),
        ("/api/docs/", {"authorization": f"Bearer {NOBODYS}"}),
        ("//in/north/shop", {}),
        ("/inbox/", {}),
    ],
)
def test_who_shows_no_key_or_wants_a_page_stays_in_the_long_chain(
    path: str, headers: dict[str, str]
) -> None:
    request = RequestFactory(headers={"cookie": "pergola_session=x", **headers}).get("/")
    request.path_info = path

    assert not machines.is_of_a_machine(request)


def test_a_member_without_a_key_still_has_to_prove_that_the_page_is_ours(
    north: Tenant, browser: Callable[..., Client]
) -> None:
    ada = Client(enforce_csrf_checks=True, headers={"host": north.host})
    ada.cookies = browser(north).cookies

    answer = ada.post(f"{APPROVALS}/{'0' * 8}-0000-0000-0000-{'0' * 12}/comments", {"text": "x"})

    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]


def test_a_fault_of_ours_is_a_problem_too(
    north: Tenant, machine: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise ZeroDivisionError("a secret of ours")

    monkeypatch.setattr("controlplane.api.subscriptions.current_tenant", broken)
    caller = machine(north)
    caller.raise_request_exception = False

    answer = caller.get(WHOAMI)

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert b"secret" not in answer.content
    assert "Content-Security-Policy" in answer.headers


def test_the_request_is_logged_with_its_tenant(
    north: Tenant, machine: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    machine(north).get(WHOAMI)

    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    (line,) = (found for found in lines if found["event"] == "request")
    assert (line["path"], line["status"], line["tenant"]) == (WHOAMI, 200, "north")
    assert line["request_id"]
