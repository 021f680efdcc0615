"""A partner rolls a release out to its customers, in the portal; nobody else sees it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.catalog.models import Release, Rollout
from tenants.models import Engagement, Member, Partner, Tenant
from tests.factories.installations import make_release
from tests.factories.rollouts import begun, drive, install_at, states
from tests.factories.upgrades import make_later_release
from tests.fakes.n8n import FakeN8n

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


def form(release: Release, **changes: str) -> dict[str, str]:
    given = {
        "release": str(release.pk), "shares": "100", "watch_minutes": "30", "least_runs": "1",
        "take": "", "note": "Asks sales",
    }  # fmt: skip
    return given | changes


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, address
    return answer.content.decode()


def test_it_goes_to_the_partners_customers_alone_and_is_followed(
    later: Release, people: Any, partner: Partner
) -> None:
    mia = people("mia")
    made = mia.post("/rollouts/new/", form(later))
    page = made.headers["Location"]
    assert "Looking for installations" in text(mia, page)

    rollout = drive(Rollout.objects.get())

    assert states(rollout) == {"north": "done"}
    shown = text(mia, page)
    assert "Ring 1, up to 100%" in shown
    assert f'hx-get="{page}state/?offers=pause"' in shown
    assert "Being watched" in text(mia, f"{page}state/?offers=pause")
    assert "Review orders" in text(mia, "/rollouts/?q=sales")
    assert "Nothing fits" in text(mia, "/rollouts/?q=nowhere")


def test_what_somebody_types_is_not_renewed_away(
    later: Release, people: Any, partner: Partner
) -> None:
    mia = people("mia")
    rollout = drive(begun(later, partner=partner, shares=[100], watch_minutes=30))
    state = f"/rollouts/{rollout.pk}/state/?offers=pause"
    shown = mia.get(state)
    assert 'name="why"' not in shown.content.decode()
    assert "HX-Refresh" not in shown.headers

    mia.post(f"/rollouts/{rollout.pk}/step/", {"step": "pause"})

    assert mia.get(state).headers["HX-Refresh"] == "true"


def test_it_is_taken_back_with_a_reason(later: Release, people: Any, partner: Partner) -> None:
    mia = people("mia")
    page = mia.post("/rollouts/new/", form(later)).headers["Location"]
    drive(Rollout.objects.get())

    mia.post(f"{page}step/", {"step": "take_back", "why": "It mails twice"})

    rollout = drive(Rollout.objects.get())
    assert rollout.status == Rollout.Status.RETURNED
    assert "It mails twice" in [step["why"] for step in rollout.steps]
    assert "Take it back everywhere" not in text(mia, page)


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    later: Release, people: Any
) -> None:
    mia = people("mia")
    for shares, told in (("ten", "Give percentages"), ("50, 20", "rise to 100")):
        answer = mia.post("/rollouts/new/", form(later, shares=shares))
        page = answer.content.decode()
        assert answer.status_code == 422
        assert told in page
        assert "Asks sales" in page
    assert not Rollout.objects.exists()


def test_viewers_look_and_change_nothing(later: Release, people: Any, partner: Partner) -> None:
    rollout = drive(begun(later, partner=partner, shares=[100], watch_minutes=30))
    vera = people("vera", Member.Role.VIEWER)
    page = f"/rollouts/{rollout.pk}/"
    assert "Take it back everywhere" not in text(vera, page)
    assert vera.post(f"{page}step/", {"step": "pause"}).status_code == 403
    assert text(vera, "/rollouts/new/", 403)


def test_nobody_sees_what_the_platform_or_another_partner_rolls_out(
    later: Release, people: Any, browser: Browser, north: Tenant, south: Tenant
) -> None:
    others = Engagement.objects.get(tenant=south).partner
    foreign = [begun(later), begun(later, partner=others)]
    mia, customer = people("mia"), browser(north, role="manager")
    for rollout in foreign:
        for client in (mia, customer):
            assert client.get(f"/rollouts/{rollout.pk}/").status_code == 404
            answer = client.post(f"/rollouts/{rollout.pk}/step/", {"step": "end"})
            assert answer.status_code == 404
    assert "Nothing was rolled out yet" in text(mia, "/rollouts/")
    assert {each.status for each in Rollout.objects.all()} == {"planning"}


def test_another_partners_template_is_not_offered_and_not_taken(
    later: Release, people: Any, partner: Partner, south: Tenant
) -> None:
    later.template.owner = Engagement.objects.get(tenant=south).partner
    later.template.save()
    answer = people("mia").post("/rollouts/new/", form(later))
    assert answer.status_code == 422
    with pytest.raises(Exception, match="another partner's template"):
        begun(later, partner=partner)


def test_its_list_renews_as_it_was_asked_for_until_it_ends(
    later: Release, people: Any, partner: Partner
) -> None:
    client = people("mia")
    rollout = drive(begun(later, partner=partner, shares=[100], watch_minutes=30))
    address = f"/rollouts/{rollout.pk}/?q=north&sort=-status"

    page = text(client, address)

    assert f'hx-get="/rollouts/{rollout.pk}/?q=north&amp;sort=-status"' in page
    seen = page.split('"X-Seen": "')[1].split('"')[0]
    asked = {"HX-Request": "true", "X-Seen": seen}
    assert client.get(address, headers=asked).status_code == 204
    rollout.places.update(error="The n8n is down", updated_at=timezone.now())
    renewed = client.get(address, headers=asked).content.decode()
    assert "The n8n is down" in renewed
    assert "<html" not in renewed
    Rollout.objects.update(status="done")
    assert "X-Seen" not in text(client, address)
