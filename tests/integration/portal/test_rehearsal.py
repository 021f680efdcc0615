"""Before a template is cloned into production it is tried in the sandbox, from the same page."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.catalog.models import Installation, Release
from controlplane.connections.models import Connection
from controlplane.connections.services import create_connection
from controlplane.core.actor import system
from tenants import lookup
from tenants.context import inside
from tenants.models import Tenant
from tests.integration.portal.test_catalog import FILLED, MANIFEST, STORED, release  # noqa: F401

CLONE, STATE = "/templates/do-it/clone/", "/templates/do-it/rehearsal/"
TRY = {**FILLED, "try": "1"}
Browser = Callable[..., Client]


@pytest.fixture
def sandbox(north: Tenant, south: Tenant) -> Tenant:
    """South, for the time of a test."""
    Tenant.objects.filter(pk=south.pk).update(sandbox_of=north, environment="sandbox")
    lookup.forget_tenants()
    return lookup.tenant_by_slug("south")


@pytest.fixture
def manager(north: Tenant, browser: Browser) -> Client:
    return browser(north, role="manager")


def shop_in(tenant: Tenant, key: str) -> Connection:
    values = {"url": "https://till.example", "key_name": "X-Key", "api_key": key}
    with inside(tenant):
        return create_connection(name="Till", kind="rest_key", values=values, by=system("tests"))


def in_sandbox(sandbox: Tenant, **changes: Any) -> Installation:
    with inside(sandbox):
        installation = Installation.objects.get()
        for name, value in changes.items():
            setattr(installation, name, value)
        installation.save()
    return installation


def test_the_values_go_to_the_sandbox_and_stay_in_the_form(
    north: Tenant,
    sandbox: Tenant,
    manager: Client,
    release: Release,  # noqa: F811
) -> None:
    assert "Try it in the sandbox first" in manager.get(CLONE).content.decode()

    page = manager.post(CLONE, TRY).content.decode()

    assert in_sandbox(sandbox).parameters == STORED
    with inside(north):
        assert not Installation.objects.exists()
    assert f'hx-get="{STATE}"' in page
    assert 'value="1500.50"' in page


def test_it_is_followed_until_the_cases_are_through_and_then_cloned(
    north: Tenant,
    sandbox: Tenant,
    manager: Client,
    release: Release,  # noqa: F811
) -> None:
    manager.post(CLONE, TRY)
    assert "Being set up" in manager.get(STATE).content.decode()
    results = [
        {"title": "A small order", "passed": True, "error": ""},
        {"title": "A large one", "passed": False, "error": "the verdict is accept"},
    ]
    in_sandbox(
        sandbox, status="active", workflow_id="w1", cases_ran={"state": "done", "results": results}
    )

    page = manager.get(STATE).content.decode()

    assert "A large one" in page
    assert "the verdict is accept" in page
    assert "hx-get" not in page
    assert manager.post(CLONE, FILLED).status_code == 302
    with inside(north):
        assert Installation.objects.get().parameters == STORED


def test_other_values_are_tried_in_the_same_installation(
    sandbox: Tenant,
    manager: Client,
    release: Release,  # noqa: F811
) -> None:
    manager.post(CLONE, TRY)
    in_sandbox(sandbox, status="active", workflow_id="w1")
    manager.post(CLONE, {**TRY, "p-most": "8"})
    assert in_sandbox(sandbox).parameters["most"] == 8


def test_nothing_typed_and_no_connection_of_productions_reaches_the_sandbox(
    north: Tenant,
    sandbox: Tenant,
    manager: Client,
    release: Release,  # noqa: F811
) -> None:
    parameter = {"name": "shop", "type": "connection", "label": "Shop"}
    release.manifest = {**MANIFEST, "parameters": [*MANIFEST["parameters"], parameter]}
    release.save()
    theirs = shop_in(north, "secret-of-production")
    filled = {**TRY, "p-shop": str(theirs.pk), "p-note": "Ring Maria Petersen"}

    refused = manager.post(CLONE, filled)

    assert refused.status_code == 422
    page = refused.content.decode()
    assert "“Till”, which the sandbox lacks" in page
    assert "Ring Maria Petersen" in page
    with inside(sandbox):
        assert not Installation.objects.exists()

    ours = shop_in(sandbox, "secret-of-the-sandbox")
    assert manager.post(CLONE, filled).status_code == 200

    there = in_sandbox(sandbox).parameters
    assert there["shop"] == str(ours.pk)
    assert "Maria" not in there["note"]
    with inside(sandbox):
        assert Connection.objects.get().secret_values == {"api_key": "secret-of-the-sandbox"}


def test_another_release_there_is_told_and_nothing_typed_is_lost(
    sandbox: Tenant,
    manager: Client,
    release: Release,  # noqa: F811
) -> None:
    manager.post(CLONE, TRY)
    in_sandbox(sandbox, release_id=sandbox.pk)
    answer = manager.post(CLONE, {**TRY, "p-note": "typed before"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Upgrade or remove it there" in page
    assert "typed before" in page


def test_without_a_sandbox_there_is_nothing_to_try_in(
    manager: Client,
    release: Release,  # noqa: F811
) -> None:
    assert "Try it in the sandbox first" not in manager.get(CLONE).content.decode()
    answer = manager.post(CLONE, TRY)
    assert answer.status_code == 409
    assert "has no sandbox" in answer.content.decode()
    assert "It was not tried yet" in manager.get(STATE).content.decode()


def test_who_may_not_clone_may_not_try(
    north: Tenant,
    sandbox: Tenant,
    browser: Browser,
    release: Release,  # noqa: F811
) -> None:
    viewer = browser(north, role="viewer")
    assert viewer.post(CLONE, TRY).status_code == 403
    assert viewer.get(STATE).status_code == 403
