"""Templates, the form made from a manifest, installations and their runs."""

import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.catalog.models import Installation, Release, Template
from controlplane.catalog.runs import Run
from controlplane.core.errors import DomainError
from controlplane.instances.client.executions import ExecutionStatus
from controlplane.portal.views import installations
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.installations import workflow

Browser = Callable[..., Client]
MANIFEST: dict[str, Any] = {
    "title": "Do it",
    "version": "1.0.0",
    "summary": "Does it.",
    "n8n_minimum": "2.0.0",
    "events": ["order.created"],
    "scopes": ["orders:review"],
    "parameters": [
        {"name": "limit", "type": "money", "label": "Hold above", "help": "Tax included."},
        {"name": "most", "type": "integer", "label": "Most pieces", "minimum": 1, "default": 9},
        {"name": "home", "type": "countries", "label": "At home", "required": False},
        {"name": "note", "type": "text", "label": "Note", "required": False},
        {"name": "loud", "type": "boolean", "label": "Tell everyone", "default": True},
        {"name": "give", "type": "percent", "label": "Give", "default": "0"},
        {"name": "way", "type": "choice", "label": "Way",
         "choices": {"sea": "By sea", "road": "By road"}},
    ],
}  # fmt: skip
FILLED = {
    "p-limit_amount": "1500.50",
    "p-limit_currency": "EUR",
    "p-most": "7",
    "p-home": ["DE", "AT"],
    "p-note": "",
    "p-give": "2.5",
    "p-way": "sea",
}
STORED = {
    "limit": {"amount": "1500.50", "currency": "EUR"},
    "most": 7,
    "home": ["AT", "DE"],
    "loud": False,
    "give": "2.5",
    "way": "sea",
}


@pytest.fixture
def release(db: None) -> Release:
    template = Template.objects.create(slug="do-it", title="Do it", summary="Does it.")
    return Release.objects.create(
        template=template,
        version="1.0.0",
        manifest=MANIFEST,
        workflow=workflow(),
        workflow_hash="0",
    )


@pytest.fixture
def installation(north: Tenant, release: Release) -> Installation:
    with inside(north):
        return Installation.objects.create(
            template_slug="do-it",
            template_title="Do it",
            release_id=release.pk,
            release_version="1.0.0",
            parameters=STORED,
            status=Installation.Status.ACTIVE,
            workflow_id="w1",
            installed_by="Ada",
        )


def test_cloning_fills_every_kind_of_parameter(
    north: Tenant, browser: Browser, release: Release
) -> None:
    client = browser(north, role="manager")
    page = client.get("/templates/do-it/clone/").content.decode()
    for label in ("Hold above", "Most pieces", "At home", "Note", "Tell everyone", "Give", "Way"):
        assert label in page
    made = client.post("/templates/do-it/clone/", FILLED)
    with inside(north):
        installation = Installation.objects.get()
        assert installation.parameters == STORED
    assert made.headers["Location"] == f"/installations/{installation.pk}/"
    page = client.get(made.headers["Location"]).content.decode()
    assert "It is being set up in n8n" in page
    assert "€1,500.50" in page
    assert "Austria, Germany" in page
    assert "2.5%" in page
    assert "By sea" in page


def test_a_clone_form_at_fault_keeps_what_was_typed(
    north: Tenant, browser: Browser, release: Release
) -> None:
    form = {**FILLED, "p-most": "0", "p-note": "typed before"}
    answer = browser(north, role="manager").post("/templates/do-it/clone/", form)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "typed before" in page
    assert "greater than or equal to 1" in page
    with inside(north):
        assert not Installation.objects.exists()


def test_changing_the_values_in_german(
    north: Tenant, browser: Browser, make_member: Any, installation: Installation
) -> None:
    member = make_member(north, role="manager")
    member.language = "de"
    member.save()
    client = browser(north, member=member)
    address = f"/installations/{installation.pk}/parameters/"
    page = client.get(address).content.decode()
    assert '<html lang="de">' in page
    assert 'value="1500,50"' in page
    assert (
        client.post(address, {**FILLED, "p-limit_amount": "2000,5", "p-give": "2,5"}).status_code
        == 302
    )
    with inside(north):
        stored = Installation.objects.get().parameters["limit"]
    assert Decimal(stored["amount"]) == Decimal("2000.5")


def test_deployment_is_awaited_then_the_page_refreshes(
    north: Tenant, browser: Browser, installation: Installation
) -> None:
    client = browser(north)
    with inside(north):
        Installation.objects.update(status=Installation.Status.DEPLOYING)
    assert "hx-trigger" in client.get(f"/installations/{installation.pk}/state/").content.decode()
    with inside(north):
        Installation.objects.update(status=Installation.Status.FAILED, last_error="no key")
    ended = client.get(f"/installations/{installation.pk}/state/")
    assert ended.headers["HX-Refresh"] == "true"
    assert "no key" in client.get(f"/installations/{installation.pk}/").content.decode()


def test_runs_come_after_the_page(
    north: Tenant,
    browser: Browser,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = browser(north)
    runs = [
        Run(str(n), status, timezone.now(), None, f"#{n}", "")
        for n, status in enumerate(ExecutionStatus)
    ]
    monkeypatch.setattr(installations, "last_runs", lambda *_, **__: runs)
    page = client.get(f"/installations/{installation.pk}/runs/").content.decode()
    assert "Succeeded" in page
    marks = client.get(f"/installations/{installation.pk}/runs/?marks").content.decode()
    assert marks.count("<li") == len(runs)

    def silent(*_: Any, **__: Any) -> list[Run]:
        raise DomainError("n8n did not answer within 10 s. Is it running?")

    monkeypatch.setattr(installations, "last_runs", silent)
    for query in ("", "?marks"):
        answer = client.get(f"/installations/{installation.pk}/runs/{query}")
        assert answer.status_code == 200
        assert "Is it running?" in answer.content.decode()


def test_only_managers_clone_and_change(
    north: Tenant, browser: Browser, release: Release, installation: Installation
) -> None:
    client = browser(north, role="approver")
    assert "/clone/" not in client.get("/templates/").content.decode()
    assert client.post("/templates/do-it/clone/", FILLED).status_code == 403
    for page in ("parameters", "retry"):
        assert client.post(f"/installations/{installation.pk}/{page}/", {}).status_code == 403


def test_an_installed_template_is_opened_and_not_cloned_again(
    north: Tenant, browser: Browser, installation: Installation
) -> None:
    page = browser(north, role="manager").get("/templates/").content.decode()
    assert "/clone/" not in page
    assert re.search(rf'href="/installations/{installation.pk}/">Open it<', page)


def test_unknown_ones_are_not_found(north: Tenant, browser: Browser) -> None:
    client = browser(north, role="manager")
    assert client.get(f"/installations/{uuid.uuid4()}/").status_code == 404
    assert client.get("/templates/nothing-here/clone/").status_code == 404
