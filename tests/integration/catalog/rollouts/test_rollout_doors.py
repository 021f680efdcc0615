"""Rollouts by the admin's pages and by command."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from controlplane.catalog.models import Release, Rollout
from controlplane.catalog.rollouts import driving
from tests.factories.rollouts import begun, drive

ADD = "/admin/catalog/rollout/add/"
FORM = {
    "shares": "50, 100", "watch_minutes": "30", "watch_at_most_minutes": "60", "least_runs": "1",
    "most_failed_upgrades": "10", "most_failed_runs": "5", "most_with_exceptions": "5",
    "most_slower": "100", "at_once": "4", "per_minute": "120", "note": "Asks sales",
}  # fmt: skip


@pytest.fixture
def admin(db: None) -> Client:
    user = User.objects.create_superuser("root", "root@pergola.example", "correct horse battery")
    client = Client(headers={"host": "localhost"})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def page(admin: Client, rollout: Rollout) -> str:
    return admin.get(reverse("admin:catalog_rollout_follow", args=[rollout.pk])).content.decode()


def test_a_platform_admin_begins_one_and_follows_it(admin: Client, later: Release) -> None:
    answer = admin.post(ADD, {**FORM, "release": str(later.pk)})
    rollout = Rollout.objects.get()
    assert answer.url == reverse("admin:catalog_rollout_follow", args=[rollout.pk])
    assert rollout.shares == [50, 100]
    assert "(platform)" in rollout.asked_by
    assert "a worker does that" in page(admin, rollout)

    drive(rollout)

    text = page(admin, rollout)
    assert "Ring 1: up to 50 % · Being watched" in text
    assert "of 1 installation" in text
    state = admin.get(reverse("admin:catalog_rollout_state", args=[rollout.pk]))
    assert "Being watched" in state.content.decode()
    places = admin.get("/admin/catalog/rolloutplace/?q=north").content.decode()
    assert "Review orders 2.0.0" in places


def test_what_is_wrong_stands_at_its_field_and_nothing_begins(
    admin: Client, later: Release
) -> None:
    answer = admin.post(ADD, {**FORM, "release": str(later.pk), "shares": "50, 20"})
    text = answer.content.decode()
    assert "must be percentages that rise to 100" in text
    assert "Asks sales" in text
    assert not Rollout.objects.exists()


def test_a_draft_is_not_offered(admin: Client, later: Release) -> None:
    Release.objects.filter(pk=later.pk).update(status=Release.Status.DRAFT)
    answer = admin.post(ADD, {**FORM, "release": str(later.pk)})
    assert "Select a valid choice" in answer.content.decode()


def test_it_is_paused_resumed_and_taken_back_with_a_reason(admin: Client, later: Release) -> None:
    rollout = drive(begun(later, shares=[50, 100], watch_minutes=30))
    here = reverse("admin:catalog_rollout_follow", args=[rollout.pk])

    admin.post(here, {"step": "pause", "why": "Month's end"})
    assert "Paused: Month&#x27;s end" in page(admin, rollout)
    admin.post(here, {"step": "resume"})
    rollout.refresh_from_db()
    assert rollout.status == Rollout.Status.WATCHING
    admin.post(here, {"step": "take_back", "why": "It mails twice"})
    assert drive(rollout).status == Rollout.Status.RETURNED

    refused = admin.post(here, {"step": "resume"}, follow=True).content.decode()
    assert "is taken back and cannot be resumed" in refused


def test_by_command_it_is_begun_told_of_and_ended(later: Release) -> None:
    out = StringIO()
    call_command(
        "roll_out", "review-orders", shares="50,100", watch=30, no_wait=True, why="Asks sales",
        stdout=out,
    )  # fmt: skip
    rollout = drive(Rollout.objects.get())
    call_command("roll_out", "review-orders", status=True, stdout=out)
    told = out.getvalue()
    assert "begun Asks sales" in told
    assert "ring 1 (to 50 %): 100 % of 1, 1 done" in told
    assert "ring 2 (to 100 %): 0 % of 1, 1 waiting" in told

    call_command("roll_out", "review-orders", step="end", stdout=out)

    rollout.refresh_from_db()
    assert rollout.status == Rollout.Status.ENDED


def test_the_command_follows_it_to_its_end(later: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(_seconds: float) -> None:
        drive(Rollout.objects.get())

    monkeypatch.setattr("controlplane.catalog.management.commands.roll_out.time.sleep", meanwhile)
    out = StringIO()
    call_command("roll_out", "review-orders", shares="100", watch=0, least_runs=0, stdout=out)
    assert "Done: ring 1 (to 100 %): 100 % of 2, 2 done" in out.getvalue()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"shares": "x"}, "Give percentages"),
        ({"partner": "nobody"}, "no partner"),
        ({"to": "9.9.9"}, "no live release 9.9.9"),
        ({"status": True}, "no rollout"),
        ({"shares": "100,5"}, "rise to 100"),
    ],
)
def test_the_command_says_what_is_wrong(later: Release, given: dict[str, str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("roll_out", "review-orders", **given)


def test_beat_goes_through_all_and_one_that_fails_keeps_no_other(
    later: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(later, shares=[100])

    def fails(_pk: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(driving, "advance", fails)
    with pytest.raises(RuntimeError, match="failed:"):
        driving.tend()
