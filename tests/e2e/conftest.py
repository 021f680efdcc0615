"""The whole of Pergola, running: real n8n with the node pack, web, worker, beat and relay.

Started once for all of these tests, on a database of its own, since they commit.
"""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from sesame.utils import get_query_string

from tests.services import E2E_PREFIX, VAR, make_database, stack

# Playwright's event loop makes Django believe that this is an async context; nothing is awaited.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# n8n ties a session to this value: the same at log-in and in the editor.
BROWSER_ID = "e2e-browser"
SETTINGS = ("N8N_URL", "N8N_API_KEY", "N8N_OWNER_EMAIL", "N8N_OWNER_PASSWORD", "LLM_API_KEY")


@dataclass(frozen=True)
class Running:
    """What tests need to know: the places of the demo, the processes and their environment."""

    places: dict[str, Any]
    environment: dict[str, str]
    pergola: Any


@pytest.fixture(scope="package")
def running(django_db_blocker: Any) -> Iterator[Running]:
    from deploy.demo import world
    from deploy.demo.processes import Pergola
    from deploy.embedded.progress import Silent
    from deploy.n8n_nodes import build

    stack.start(node_pack=build.pack())
    environment = {
        **stack.environment(),
        "EMAIL_URL": os.environ["EMAIL_URL"],
        # No model is set, so nobody is asked: it is there to be found where it must not be.
        "LLM_API_KEY": f"sk-{secrets.token_hex(24)}",
        # Where the outside systems of these tests answer.
        "CONNECTION_PRIVATE_HOSTS": "127.0.0.1",
    }
    database = make_database(environment["DATABASE_OWNER_URL"], E2E_PREFIX)
    for key in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        environment[key] = environment[key].rsplit("/", 1)[0] + f"/{database}"
    told = {name: environment[name] for name in SETTINGS}
    pergola = Pergola(VAR, environment, Silent())
    with override_settings(**told), django_db_blocker.unblock(), _connected_to(database):
        try:
            world.prepare(Silent())
            pergola.start()
            places = {place.tenant.slug: place for place in world.build(Silent())}
            yield Running(places, environment, pergola)
        finally:
            pergola.stop()


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    """This process, too, looks into that database; afterwards into the other tests' again."""
    from django.contrib.contenttypes.models import ContentType
    from django.db import connections

    from tenants import lookup

    def connect(to: str) -> None:
        for alias in connections:
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = to
        lookup.forget_tenants()
        ContentType.objects.clear_cache()

    before = connections["default"].settings_dict["NAME"]
    connect(name)
    try:
        yield
    finally:
        connect(before)


@pytest.fixture(autouse=True)
def _database(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.fail("no Chromium: run `make test`, which installs it or says what to install")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"],
        )
        yield browser
        browser.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(running: Any, chromium: Browser) -> Iterator[Visit]:
    """Opens a tenant's portal as somebody; what the browser refuses fails the test."""
    from django.contrib.auth.models import User

    contexts, complaints = [], []

    def enter(place: Any, username: str = "", *, width: int = 1280) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, base_url=place.tenant.portal_url
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if _is_fault(m) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        user = User.objects.get(username=username or place.customer.approver[1])
        page.goto(f"/accounts/enter/{get_query_string(user)}")
        return page

    yield enter
    for context in contexts:
        context.close()
    assert complaints == []


def _is_fault(message: ConsoleMessage) -> bool:
    """What the policy or a script complains of; a page that answers 403 or 409 may be meant."""
    return message.type == "error" and "status of 4" not in message.text


@pytest.fixture
def editor(running: Any, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1600, "height": 900})
    answer = context.request.post(
        f"{running.environment['N8N_URL']}/rest/login",
        headers={"browser-id": BROWSER_ID},
        data={
            "emailOrLdapLoginId": running.environment["N8N_OWNER_EMAIL"],
            "password": running.environment["N8N_OWNER_PASSWORD"],
        },
    )
    assert answer.ok, answer.text()
    context.add_init_script(f"localStorage.setItem('n8n-browserId', '{BROWSER_ID}')")
    yield context.new_page()
    context.close()


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait until `look()` is truthy and return it; fails with what it was last."""

    def wait(look: Callable[[], Any], *, within: float = 40.0, what: str = "") -> Any:
        deadline = time.monotonic() + within
        while not (found := look()):
            assert time.monotonic() < deadline, f"not within {within:.0f} s: {what or look}"
            time.sleep(0.1)
        return found

    return wait
