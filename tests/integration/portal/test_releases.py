"""A partner's own templates in the portal, and the page of a template."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from controlplane.catalog.models import Release, Template
from controlplane.portal.markdown import rendered
from tenants.models import Member, Partner, Tenant
from tests.factories.installations import make_release
from tests.integration.catalog.test_releases import CASE, export, passed

Browser = Callable[..., Client]


def of_partner(partner: Partner, tenant: Tenant, role: str = "manager") -> Client:
    user = User.objects.create_user(f"{role}-{partner.slug}-{tenant.slug}")
    Member.objects.create(user=user, partner=partner, role=role)
    client = Client(headers={"host": tenant.host})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def builder(north: Tenant) -> Client:
    partner = north.lead_partner
    assert partner is not None
    return of_partner(partner, north)


@pytest.fixture
def draft(builder: Client) -> Release:
    file = SimpleUploadedFile("export.json", export(), "application/json")
    owner = Partner.objects.get(slug="partner-north")
    answer = builder.post("/templates/own/import/", {"file": file, "owner": str(owner.pk)})
    assert answer.status_code == 302, answer.content.decode()
    return Release.objects.get(template__owner=owner)


def test_an_imported_workflow_is_drawn_and_its_findings_are_listed(
    builder: Client, draft: Release
) -> None:
    page = builder.get(f"/templates/own/{draft.pk}/").content.decode()

    for text in ("<svg", "Each morning", "HTTP Header Auth", "pinned to nodes", "Get: address"):
        assert text in page, text
    assert "<script>" not in page
    assert " style=" not in page
    listed = builder.get("/templates/own/?q=sales&sort=-status").content.decode()
    assert "Tell the sales channel 1.0.0" in listed


def test_what_cannot_be_read_is_said_and_the_text_stays(builder: Client, north: Tenant) -> None:
    owner = str(Partner.objects.get(slug="partner-north").pk)
    for text in ("{", '{"nodes": [{"name": "x"}], "connections": {}}', ""):
        answer = builder.post("/templates/own/import/", {"text": text, "owner": owner})
        assert answer.status_code == 422
        assert answer.context["form"].errors
    assert Release.objects.filter(template__owner=owner).count() == 0


def test_from_draft_to_live(builder: Client, draft: Release) -> None:
    at = f"/templates/own/{draft.pk}"
    name = "use-get_address"
    assert (
        builder.post(f"{at}/parameters/", {name: "on", "label-get_address": "Shop"}).url == f"{at}/"
    )
    nothing = builder.post(f"{at}/parameters/", {"label-each_morning_schedule": "Typed before"})
    assert nothing.status_code == 422
    assert "Tick what is to become" in nothing.content.decode()
    assert "Typed before" in nothing.content.decode()
    form = {
        "summary": "Tells the channel.", "readme": "# T\n\nHello *all*", "events": "order.created",
        "scopes": [], "cases": json.dumps({"accepts": {**CASE, "parameters": {}}}),
    }  # fmt: skip
    assert builder.post(f"{at}/edit/", form).status_code == 302
    refused = builder.post(f"{at}/live/", {"note": "Ready"})
    assert refused.status_code == 409
    assert "never ran" in refused.content.decode()
    passed(draft)

    assert builder.post(f"{at}/live/", {"note": "Ready"}).status_code == 302

    draft.refresh_from_db()
    assert (draft.status, draft.terms.parameters[0].label) == ("live", "Shop")
    page = builder.get(f"/templates/{draft.template.slug}/").content.decode()
    assert "<em>all</em>" in page
    assert "Shop" in page
    assert builder.post(f"{at}/discard/", {}).status_code == 409
    assert builder.post(f"{at}/deprecate/", {}).status_code == 302
    assert builder.get(f"/templates/{draft.template.slug}/").status_code == 404


def test_cases_that_are_wrong_are_said_at_the_field(builder: Client, draft: Release) -> None:
    form = {"summary": "S", "cases": '{"one": {"title": 5}}'}
    answer = builder.post(f"/templates/own/{draft.pk}/edit/", form)

    assert answer.status_code == 422
    assert "cases.one.title" in answer.content.decode()
    assert "&quot;title&quot;: 5" in answer.content.decode()


def test_nobody_else_finds_a_draft(
    draft: Release, north: Tenant, south: Tenant, browser: Browser
) -> None:
    at = f"/templates/own/{draft.pk}/"
    partner = Partner.objects.get(slug="partner-south")
    assert of_partner(partner, south).get(at).status_code == 404
    assert browser(north, role="manager").get(at).status_code == 404
    own = Partner.objects.get(slug="partner-north")
    assert of_partner(own, north, role="viewer").get(at).status_code == 403
    assert (
        browser(south, role="manager", name="eve")
        .get(f"/templates/{draft.template.slug}/")
        .status_code
        == 404
    )


def test_the_page_of_a_template_shows_what_it_does(
    north: Tenant, browser: Browser, tmp_path: Path
) -> None:
    release = make_release(tmp_path)
    Release.objects.filter(pk=release.pk).update(
        readme="# Title\n\n## Why\n\n<script>alert(1)</script> [x](javascript:alert(1)) **bold**"
    )
    client = browser(north)

    page = client.get("/templates/review-orders/").content.decode()

    assert "<svg" in page
    assert "<h4>Why</h4>" in page
    assert "<strong>bold</strong>" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert client.get("/templates/no-such/").status_code == 404


@pytest.mark.parametrize(
    "text",
    ["<img src=x onerror=alert(1)>", "![a](https://spy.example/x.png)", "[a](data:text/html,x)",
     "<style>*{}</style>", "[a]: javascript:alert(1)\n\n[a]"],
)  # fmt: skip
def test_markdown_brings_no_html_of_its_own(text: str) -> None:
    html = rendered(text)

    for bad in ("<img", "<style", 'href="data', 'href="javascript', "<script"):
        assert bad not in html, html


def test_the_api_lists_templates_with_json_schema_and_clones(
    north: Tenant, machine: Callable[..., Client], tmp_path: Path, n8n: Any
) -> None:
    from tenants.context import inside
    from tests.factories.events import make_workspace

    make_release(tmp_path)
    with inside(north):
        make_workspace(n8n.url)
    client = machine(north)

    found = client.get("/api/v1/templates/review-orders").json()
    assert found["latest"]["parameters"]["properties"]["max_quantity"]["maximum"] == 500
    body = {"template": "review-orders", "parameters": {"max_quantity": 7}}
    made = client.post("/api/v1/installations", body, "application/json")
    assert made.status_code == 201, made.content
    assert (made.json()["status"], made.json()["parameters"]) == ("active", {"max_quantity": 7})
    assert len(n8n.workflows) == 1
    again = client.post("/api/v1/installations", body, "application/json")
    assert (again.status_code, again.json()["code"]) == (409, "template_installed")
    at = f"/api/v1/installations/{made.json()['id']}"
    wrong = client.put(at, {"parameters": {"max_quantity": 0}}, "application/json")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "max_quantity")
    assert (
        client.put(at, {"parameters": {"max_quantity": 9}}, "application/json").status_code == 200
    )
    assert client.get("/api/v1/installations").json()["results"][0]["parameters"] == {
        "max_quantity": 9
    }
    missing = client.post("/api/v1/installations", {"template": "no-such"}, "application/json")
    assert (missing.status_code, missing.json()["code"]) == (404, "template_unknown")
    assert Template.objects.filter(slug="review-orders").exists()


def test_a_dry_run_is_for_the_sandbox_alone(
    north: Tenant, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controlplane.catalog.trying import sandbox
    from controlplane.catalog.trying.running import CaseResult
    from tenants import lookup
    from tenants.context import inside
    from tests.factories.installations import make_installation

    def pretend(release: Release, *, ground: Any, by: Any, progress: Any) -> None:
        progress(
            CaseResult("one", "Holds a large order", False, {}, {}, "the verdict is accept", 1)
        )

    monkeypatch.setattr(sandbox, "run_cases", pretend)
    release = make_release(tmp_path)
    with inside(north):
        installation = make_installation(release)
        type(installation).objects.update(status="active", workflow_id="w1")
    client = browser(north, role="manager")
    at = f"/installations/{installation.pk}/"
    assert client.post(f"{at}cases/").status_code == 409
    assert "Run the cases" not in client.get(at).content.decode()

    Tenant.objects.filter(pk=north.pk).update(
        environment="sandbox", sandbox_of=Tenant.objects.get(slug="south")
    )
    lookup.forget_tenants()
    member = Member.objects.get(user=client.get(at).wsgi_request.user)
    Member.objects.filter(pk=member.pk).update(tenant=Tenant.objects.get(slug="south"))
    assert "Run the cases" in client.get(at).content.decode()
    assert client.post(f"{at}cases/").status_code == 302
    assert "They are running" in client.get(f"{at}cases/").content.decode()
    with inside(Tenant.objects.get(slug="north")):
        sandbox.carry_out_dry_run(installation.pk)

    page = client.get(at).content.decode()

    assert "Holds a large order" in page
    assert "the verdict is accept" in page
    assert "Run the cases" in page
