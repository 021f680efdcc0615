"""A partner's people import, shape, try and release by the API what they do in the portal."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.catalog.models import CaseRun, Release
from controlplane.catalog.trying import trials
from tenants.models import Member, Partner, Tenant
from tests.factories.installations import workflow
from tests.integration.api.test_rollouts import partner, people, post  # noqa: F401
from tests.integration.catalog.test_release_trials import (  # noqa: F401
    Pretend,
    pretend,
    sandbox,
)
from tests.integration.catalog.test_releases import CASE, export

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/releases"
JSON = "application/json"
Browser = Callable[..., Client]


def imported(client: Client, flow: Any = None) -> str:
    made = post(client, ROOT, {"workflow": flow or workflow()})
    assert made.status_code == 201, made.content
    (release,) = made.json()
    return f"{ROOT}/{release['id']}"


def test_from_an_export_to_live(people: Any, sandbox: Tenant, pretend: Pretend) -> None:  # noqa: F811
    mia = people("mia")
    at = imported(mia)
    assert [each["status"] for each in mia.get(f"{ROOT}?status=draft").json()["results"]] == [
        "draft"
    ]
    shown = mia.get(at).json()
    assert (shown["proof"], shown["sandboxes"]) == ("missing", ["south"])
    limit = {"name": "limit", "type": "integer", "label": "Limit", "default": 5}
    changed = mia.patch(
        at,
        {"parameters": [limit], "cases": {"one": CASE}, "notes": "Counts."},
        content_type=JSON,
    )
    assert changed.status_code == 200, changed.content
    assert [each["name"] for each in changed.json()["manifest"]["parameters"]] == ["limit"]
    refused = post(mia, f"{at}/steps", {"step": "live"})
    assert (refused.status_code, refused.json()["code"]) == (409, "release_cases_not_passed")

    begun = post(mia, f"{at}/trials", {"sandbox": "south"})

    assert (begun.status_code, begun.json()["status"]) == (202, "running")
    again = post(mia, f"{at}/trials", {"sandbox": "south"})
    assert (again.status_code, again.json()["code"]) == (409, "release_trial_under_way")
    pretend(True)
    trials.carry_out_trial(CaseRun.objects.get().pk)
    shown = mia.get(at).json()
    assert (shown["proof"], shown["last_trial"]["passed"]) == ("passed", 1)
    assert [each["status"] for each in mia.get(f"{at}/trials").json()] == ["ended"]
    live = post(mia, f"{at}/steps", {"step": "live", "note": "Ready"})
    assert (live.status_code, live.json()["status"]) == (200, "live")
    frozen = mia.patch(at, {"notes": "Other"}, content_type=JSON)
    assert (frozen.status_code, frozen.json()["code"]) == (409, "release_frozen")
    assert mia.delete(at).status_code == 409


def test_what_is_wrong_names_the_field(people: Any, north: Tenant) -> None:  # noqa: F811
    mia = people("mia")
    bad = post(mia, ROOT, {"workflow": {"nodes": [{"name": "x"}], "connections": {}}})
    assert (bad.status_code, bad.json()["code"]) == (422, "workflow_unreadable")
    at = imported(mia)
    row = {"name": "limit", "type": "integer", "label": "Limit", "default": "many"}
    wrong = mia.patch(at, {"parameters": [row], "notes": "New"}, content_type=JSON)
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["field"] == "parameters.0.default"
    assert Release.objects.get().notes == ""
    nowhere = post(mia, f"{at}/trials", {"sandbox": "north"})
    assert (nowhere.status_code, nowhere.json()["errors"][0]["field"]) == (422, "sandbox")
    assert nowhere.json()["detail"].endswith("makes one on the customer’s sandbox page.")


def test_where_no_case_is_possible_the_note_says_why(people: Any, north: Tenant) -> None:  # noqa: F811
    mia = people("mia")
    at = imported(mia, json.loads(export()))
    assert mia.get(at).json()["proof"] == "impossible"

    refused = post(mia, f"{at}/steps", {"step": "live"})
    live = post(mia, f"{at}/steps", {"step": "live", "note": "It ran in the sandbox."})

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "note")
    assert live.json()["steps"][-1]["note"] == "It ran in the sandbox."


def test_a_draft_is_discarded(people: Any, north: Tenant) -> None:  # noqa: F811
    mia = people("mia")

    assert mia.delete(imported(mia)).status_code == 204

    assert not Release.objects.exists()


def test_nobody_else_has_them(
    people: Any,  # noqa: F811
    north: Tenant,
    south: Tenant,
    browser: Browser,
    machine: Callable[..., Client],
) -> None:
    at = imported(people("mia"))
    other = Partner.objects.get(slug="partner-south")
    viewer = people("vera", role=Member.Role.VIEWER)

    for client, status in (
        (browser(north, role="manager", name="max"), 404),
        (people("eve", of=other), 403),
        (viewer, 403),
    ):
        for sent in (
            client.get(at),
            client.get(f"{at}/trials"),
            client.patch(at, {"notes": "Mine"}, content_type=JSON),
            post(client, f"{at}/steps", {"step": "live"}),
            post(client, f"{at}/trials", {"sandbox": "south"}),
            client.delete(at),
        ):
            assert sent.status_code == status, sent.content
    assert machine(north).get(at).status_code == 403
    assert Release.objects.get().notes == ""
