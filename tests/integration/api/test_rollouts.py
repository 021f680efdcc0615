"""A partner's people roll out by the API what they roll out in the portal; nobody else does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from controlplane.catalog.models import Release, Rollout
from tenants.models import Engagement, Member, Partner, Tenant
from tests.factories.installations import make_release
from tests.factories.rollouts import begun, drive, install_at
from tests.factories.upgrades import make_later_release
from tests.fakes.n8n import FakeN8n

ROOT = "/api/v1/rollouts"
ASKED = {"template": "review-orders", "shares": [100], "note": "Asks sales"}
Browser = Callable[..., Client]


@pytest.fixture
def later(north: Tenant, south: Tenant, n8n: FakeN8n, tmp_path: Path) -> Release:
    release = make_release(tmp_path)
    for tenant in (north, south):
        install_at(tenant, release, n8n)
    return make_later_release(tmp_path)


@pytest.fixture
def partner(north: Tenant) -> Partner:
    return Partner.objects.get(slug="partner-north")


@pytest.fixture
def people(north: Tenant, partner: Partner, make_member: Any, browser: Browser) -> Any:
    """`people("mia")`: somebody of the partner, on north's host."""

    def come(name: str, role: str = Member.Role.MANAGER, of: Partner = partner) -> Client:
        member = make_member(north, name=name, role=role)
        Member.objects.filter(pk=member.pk).update(tenant=None, partner=of)
        return browser(north, member=member)

    return come


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def test_it_is_begun_followed_and_taken_back(later: Release, people: Any) -> None:
    mia = people("mia")

    made = post(mia, ROOT, ASKED)

    assert made.status_code == 201
    assert (made.json()["status"], made.json()["version"]) == ("planning", "2.0.0")
    here = f"{ROOT}/{made.json()['id']}"
    drive(Rollout.objects.get())
    shown = mia.get(here).json()
    assert shown["status"] == "watching"
    (ring,) = shown["rings"]
    assert (ring["number"], ring["share"], ring["states"]) == (1, 100, {"done": 1})
    assert (ring["state"], ring["gate"]["upgraded"], ring["gate"]["p95"]) == ("now", 1, None)
    assert [step["why"] for step in shown["steps"]][-1] == "Asks sales"
    (place,) = mia.get(f"{here}/places").json()["results"]
    assert (place["tenant"], place["status"], place["error"]) == ("north", "done", "")
    assert place["hash_before"] != place["hash_after"]

    taken = post(mia, f"{here}/steps", {"step": "take_back", "why": "It mails twice"})

    assert taken.json()["status"] == "returning"
    drive(Rollout.objects.get())
    (back,) = mia.get(f"{here}/places?status=returned").json()["results"]
    assert back["hash_returned"] == place["hash_before"]
    assert [one["status"] for one in mia.get(f"{ROOT}?status=returned").json()["results"]]
    assert mia.get(f"{ROOT}?status=done").json()["results"] == []
    assert mia.get(f"{ROOT}?template=review-orders").json()["count"] == 1


def test_it_is_paused_resumed_and_ended(later: Release, people: Any, partner: Partner) -> None:
    rollout = drive(begun(later, partner=partner, shares=[100], watch_minutes=30))
    mia, steps = people("mia"), f"{ROOT}/{rollout.pk}/steps"

    found = [
        post(mia, steps, {"step": step}).json()["status"] for step in ("pause", "resume", "end")
    ]
    refused = post(mia, steps, {"step": "resume"})

    assert found == ["paused", "watching", "ended"]
    assert (refused.status_code, refused.json()["code"]) == (409, "rollout_step_refused")


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({**ASKED, "shares": [50, 20]}, 422, "rollout_invalid", "shares"),
        ({**ASKED, "shares": []}, 422, "input_invalid", "shares"),
        ({**ASKED, "take": "mine"}, 422, "input_invalid", "take"),
        ({**ASKED, "version": "9.9.9"}, 404, "release_unknown", "version"),
        ({**ASKED, "template": "no-such"}, 404, "release_unknown", "template"),
        ({**ASKED, "partner": "partner-south"}, 422, "rollout_partner_needed", "partner"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_begins(
    later: Release, people: Any, body: Any, status: int, code: str, field: str
) -> None:
    answer = post(people("mia"), ROOT, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Rollout.objects.exists()


def test_a_second_one_waits_for_the_first(later: Release, people: Any, partner: Partner) -> None:
    begun(later, partner=partner)
    answer = post(people("mia"), ROOT, ASKED)
    assert (answer.status_code, answer.json()["code"]) == (409, "rollout_under_way")


def test_viewers_look_and_change_nothing(later: Release, people: Any, partner: Partner) -> None:
    rollout = drive(begun(later, partner=partner, shares=[100], watch_minutes=30))
    vera, here = people("vera", Member.Role.VIEWER), f"{ROOT}/{rollout.pk}"
    assert vera.get(here).status_code == 200
    for path, body in ((ROOT, ASKED), (f"{here}/steps", {"step": "pause"})):
        answer = post(vera, path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert Rollout.objects.get().status == "watching"


def test_nobody_reaches_what_another_rolls_out(
    later: Release, people: Any, browser: Browser, north: Tenant, south: Tenant
) -> None:
    others = Engagement.objects.get(tenant=south).partner
    foreign = [begun(later), begun(later, partner=others)]
    for client in (people("mia"), browser(north, role="manager")):
        for rollout in foreign:
            for path in ("", "/places"):
                assert client.get(f"{ROOT}/{rollout.pk}{path}").status_code == 404
            assert post(client, f"{ROOT}/{rollout.pk}/steps", {"step": "end"}).status_code == 404
        assert client.get(ROOT).json()["results"] == []
    assert {each.status for each in Rollout.objects.all()} == {"planning"}


def test_another_partners_template_is_not_there(later: Release, people: Any, south: Tenant) -> None:
    later.template.owner = Engagement.objects.get(tenant=south).partner
    later.template.save()
    assert post(people("mia"), ROOT, ASKED).json()["code"] == "release_unknown"


@pytest.fixture
def admin(db: None) -> Client:
    user = User.objects.create_superuser("root", "root@pergola.example", "correct horse battery")
    client = Client(headers={"host": "localhost"})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


PLATFORM = "/api/platform/v1/rollouts"


def test_the_platforms_admins_roll_out_to_everybody(
    later: Release, admin: Client, partner: Partner
) -> None:
    made = post(admin, PLATFORM, ASKED)

    assert made.status_code == 201
    assert (made.json()["partner"], made.json()["asked_by"]) == (None, "root (platform)")
    here = f"{PLATFORM}/{made.json()['id']}"
    drive(Rollout.objects.get())
    places = admin.get(f"{here}/places").json()["results"]
    assert {place["tenant"]: place["status"] for place in places} == {
        "north": "done", "south": "done",
    }  # fmt: skip
    assert post(admin, f"{here}/steps", {"step": "take_back"}).json()["status"] == "returning"
    drive(Rollout.objects.get())
    of_partner = post(admin, PLATFORM, {**ASKED, "partner": "partner-north"}).json()
    assert of_partner["partner"] == "partner-north"
    assert admin.get(PLATFORM).json()["count"] == 2
    nobody = post(admin, PLATFORM, {**ASKED, "partner": "no-such"})
    assert (nobody.status_code, nobody.json()["errors"][0]["field"]) == (422, "partner")


def test_nobody_else_reaches_the_platforms_door(
    later: Release, people: Any, north: Tenant, machine: Callable[..., Client]
) -> None:
    rollout, mia = begun(later), people("mia")
    staff = User.objects.create_user("clerk", is_staff=True)
    clerk = Client(headers={"host": "localhost"})
    clerk.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    key = machine(north)
    at_home = mia.get(PLATFORM)
    assert at_home.status_code == 404
    mia.defaults["HTTP_HOST"] = "localhost"
    nobody = Client(headers={"host": "localhost"})
    for client, status in ((nobody, 401), (clerk, 403), (key, 401), (mia, 403)):
        for path in (PLATFORM, f"{PLATFORM}/{rollout.pk}", f"{PLATFORM}/{rollout.pk}/places"):
            assert client.get(path).status_code == status
        assert post(client, PLATFORM, ASKED).status_code == status
        step = post(client, f"{PLATFORM}/{rollout.pk}/steps", {"step": "end"})
        assert step.status_code == status
    assert Rollout.objects.get().status == "planning"


def test_an_admin_who_needs_a_second_factor_needs_it_here_too(
    later: Release, admin: Client, settings: Any
) -> None:
    settings.ADMIN_REQUIRES_MFA = True

    for answer in (admin.get(PLATFORM), post(admin, PLATFORM, ASKED)):
        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_missing")

    assert not Rollout.objects.exists()


def test_another_page_cannot_use_an_admins_session(later: Release, admin: Client) -> None:
    admin.handler.enforce_csrf_checks = True
    answer = post(admin, PLATFORM, ASKED)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert not Rollout.objects.exists()


def test_a_key_is_told_that_this_is_for_people(
    later: Release, north: Tenant, machine: Callable[..., Client]
) -> None:
    key = machine(north, ["installations:read", "installations:write"])
    answer = key.get(ROOT)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "for people" in answer.json()["detail"]
