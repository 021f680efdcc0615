"""From an exported workflow to a clone of it in production, on pages and without a shell."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from controlplane.catalog.deploy import deploy
from controlplane.catalog.models import CaseRun, Installation, Release
from controlplane.catalog.trying import trials
from tenants import lookup
from tenants.context import inside
from tenants.models import Member, Partner, Tenant
from tests.factories.events import make_workspace
from tests.factories.installations import workflow
from tests.factories.upgrades import make_active
from tests.fakes.n8n import FakeN8n
from tests.integration.catalog.test_release_trials import Pretend, pretend, sandbox  # noqa: F401
from tests.integration.catalog.test_releases import CASE, export
from tests.integration.portal.test_releases import builder, of_partner  # noqa: F401

pytestmark = pytest.mark.django_db
Browser = Callable[..., Client]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    lookup.forget_tenants()


def imported(builder: Client, content: bytes) -> Release:  # noqa: F811
    owner = Partner.objects.get(slug="partner-north")
    file = SimpleUploadedFile("export.json", content, "application/json")
    answer = builder.post("/templates/own/import/", {"file": file, "owner": str(owner.pk)})
    assert answer.status_code == 302, answer.content.decode()
    return Release.objects.get(template__owner=owner)


def at_sandbox(builder: Client, sandbox: Tenant) -> Client:  # noqa: F811
    """The same person, on the sandbox's host."""
    client = Client(headers={"host": sandbox.host})
    client.force_login(
        Member.objects.get(partner__slug="partner-north").user,
        "django.contrib.auth.backends.ModelBackend",
    )
    return client


def case_for(draft: Release) -> dict[str, Any]:
    form = {
        "summary": "Judges each order.", "events": draft.terms.events,
        "scopes": draft.terms.scopes, "notes": "Holds what is large.",
        "cases": json.dumps({"accepts": CASE}),
    }  # fmt: skip
    return form


def test_an_imported_workflow_is_tried_released_and_cloned(
    builder: Client,  # noqa: F811
    browser: Browser,
    north: Tenant,
    sandbox: Tenant,  # noqa: F811
    pretend: Pretend,  # noqa: F811
    n8n: FakeN8n,
) -> None:
    draft = imported(builder, json.dumps(workflow()).encode())
    at = f"/templates/own/{draft.pk}/"
    assert builder.post(f"{at}edit/", case_for(draft)).status_code == 302
    page = builder.get(at).content.decode()
    assert "manage.py" not in page
    assert "Try it in this sandbox" in page

    assert builder.post(f"{at}trial/", {"sandbox": str(sandbox.pk)}).status_code == 302
    followed = builder.get(f"{at}trial/")
    assert "0 of 1 cases ran in “South”" in followed.content.decode()
    assert "HX-Refresh" not in followed.headers
    pretend(True)
    trials.carry_out_trial(CaseRun.objects.get().pk)
    assert builder.get(f"{at}trial/").headers["HX-Refresh"] == "true"
    assert "1 passed, 0 failed" in builder.get(at).content.decode()
    assert builder.post(f"{at}live/", {}).status_code == 302

    with inside(north):
        make_workspace(n8n.url)
    manager = browser(north, role="manager")
    slug = draft.template.slug
    assert manager.post(f"/templates/{slug}/clone/", {}).status_code == 302
    with inside(north):
        installation = deploy(Installation.objects.get().pk)
        assert (installation.status, installation.release_version) == ("active", "1.0.0")


def test_a_workflow_that_no_case_can_start_is_cloned_in_the_sandbox_and_released_with_a_reason(
    builder: Client,  # noqa: F811
    browser: Browser,
    north: Tenant,
    sandbox: Tenant,  # noqa: F811
    n8n: FakeN8n,
) -> None:
    draft = imported(builder, export())
    at, slug = f"/templates/own/{draft.pk}/", draft.template.slug
    builder.post(f"{at}parameters/", {"use-get_address": "on", "label-get_address": "Shop"})
    page = builder.get(at).content.decode()
    assert f"{sandbox.portal_url}/templates/{slug}/clone/" in page

    there = at_sandbox(builder, sandbox)
    assert "Tell the sales channel" in there.get("/templates/").content.decode()
    assert "Draft" in there.get(f"/templates/{slug}/").content.decode()
    values = {"p-get_address": "https://other.example/orders"}
    assert there.post(f"/templates/{slug}/clone/", values).status_code == 302
    with inside(sandbox):
        assert deploy(Installation.objects.get().pk).status == "active"
    assert "other.example" in json.dumps(n8n.workflows)

    refused = builder.post(f"{at}live/", {"note": "ok"})
    assert (refused.status_code, "say why" in refused.content.decode()) == (409, True)
    why = "It ran in the sandbox; the list came."
    assert builder.post(f"{at}live/", {"note": why}).status_code == 302

    assert why in builder.get(at).content.decode()
    assert "Tell the sales channel" in browser(north).get("/templates/").content.decode()


def test_a_draft_is_in_no_list_but_its_own_peoples_in_a_sandbox(
    builder: Client,  # noqa: F811
    north: Tenant,
    sandbox: Tenant,  # noqa: F811
    browser: Browser,
) -> None:
    draft = imported(builder, export())
    title, at = draft.template.title, f"/templates/{draft.template.slug}/clone/"

    assert title not in builder.get("/templates/").content.decode()
    assert builder.get(at).status_code == 404
    customer = browser(sandbox, member=Member.objects.get(user=browser_user(north, browser)))
    assert title not in customer.get("/templates/").content.decode()
    assert customer.get(at).status_code == 404
    assert title in at_sandbox(builder, sandbox).get("/templates/").content.decode()


def browser_user(tenant: Tenant, browser: Browser) -> Any:
    return browser(tenant, role="manager").get("/").wsgi_request.user


def test_nobody_tries_it_in_a_sandbox_that_is_not_theirs(
    builder: Client,  # noqa: F811
    north: Tenant,
    south: Tenant,
) -> None:
    draft = imported(builder, json.dumps(workflow()).encode())
    at = f"/templates/own/{draft.pk}/"
    builder.post(f"{at}edit/", case_for(draft))
    assert "you need a sandbox" in builder.get(at).content.decode()

    for other in (south, north):
        assert builder.post(f"{at}trial/", {"sandbox": str(other.pk)}).status_code == 404
    viewer = of_partner(Partner.objects.get(slug="partner-north"), north, role="viewer")
    assert viewer.post(f"{at}trial/", {}).status_code == 403
    assert not CaseRun.objects.exists()


def test_what_failed_is_said_with_the_way_to_look_at_it(
    builder: Client,  # noqa: F811
    sandbox: Tenant,  # noqa: F811
    pretend: Pretend,  # noqa: F811
) -> None:
    draft = imported(builder, json.dumps(workflow()).encode())
    at = f"/templates/own/{draft.pk}/"
    builder.post(f"{at}edit/", case_for(draft))
    builder.post(f"{at}trial/", {"sandbox": str(sandbox.pk)})
    pretend(False)
    trials.carry_out_trial(CaseRun.objects.get().pk)

    page = builder.get(at).content.decode()

    assert "0 passed, 1 failed" in page
    assert f"{sandbox.portal_url}/installations/" in page
    refused = builder.post(f"{at}live/", {"note": "It is urgent, believe me"})
    assert refused.status_code == 409


def test_an_installation_whose_release_is_gone_is_removed_on_its_page(
    north: Tenant, browser: Browser, n8n: FakeN8n, tmp_path: Path
) -> None:
    with inside(north):
        make_workspace(n8n.url)
        installation = make_active(tmp_path, max_quantity=7)
    Release.objects.all().delete()
    manager, at = browser(north, role="manager"), f"/installations/{installation.pk}/"

    page = manager.get(at)

    assert page.status_code == 200
    assert "Its release was discarded" in page.content.decode()
    assert manager.get(f"{at}parameters/").status_code == 404
    assert manager.post(f"{at}remove/", {"sure": "yes"}).status_code == 302
    with inside(north):
        assert not Installation.objects.present().exists()
