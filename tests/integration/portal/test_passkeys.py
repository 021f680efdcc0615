"""Passkeys, in a real browser with an authenticator of its own: made, and used both ways."""

import threading
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.db import connections
from playwright.sync_api import Page, expect, sync_playwright

from deploy.bootstrap import find_browser
from tenants.models import Member, Tenant

PASSWORD = "correct horse battery"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def lena(yard: Tenant, django_db_blocker: pytest.FixtureRequest) -> Iterator[User]:
    with django_db_blocker.unblock():
        user = User.objects.create_user("lena", "lena@yard.example", PASSWORD)
        Member.objects.create(user=user, tenant=yard, role="manager")
        yield user


@pytest.fixture
def address(yard: Tenant) -> Iterator[str]:
    """Pergola itself, at the tenant's host."""
    server = make_server(
        "127.0.0.1", 0, get_wsgi_application(), server_class=_Server, handler_class=_Quiet
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://{yard.host}:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page() -> Iterator[Page]:
    """What the content policy or a script complains of fails the test."""
    program = find_browser()
    if program is None:
        pytest.fail("no Chromium: run `make test`, which installs it or says what to install")
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        page = browser.new_context().new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }  # fmt: skip
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield page
        browser.close()
    assert complaints == []


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/login/?next=/sources/")
    page.get_by_label("E-mail address or user name").fill("lena")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def test_a_passkey_is_made_and_logs_in_alone_and_as_second_factor(
    lena: User, address: str, page: Page
) -> None:
    log_in(page, address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Event sources")
    page.goto(f"{address}/accounts/security/passkeys/add/")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_test_id("recovery-codes").locator("li")).to_have_count(10)
    page.goto(f"{address}/accounts/security/")
    expect(page.get_by_text("This device")).to_be_visible()

    page.get_by_role("button", name="Log out").click()
    page.goto(f"{address}/accounts/login/?next=/sources/")
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Event sources")

    page.get_by_role("button", name="Log out").click()
    log_in(page, address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your second factor")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Event sources")
