"""A new tenant by the admin's form, and how far it has come: on its page, and on the fleet's."""

from typing import Any

import pytest
from django.test import Client

from controlplane.core.actor import system
from tenants.models import ProvisioningStep, Tenant
from tenants.provisioning import provision_tenant, steps
from tenants.provisioning.steps import plan_steps
from tests.factories.hostile_names import HOSTILE_SLUGS
from tests.integration.tenants.test_fleet_page import PAGE, make_row


def test_a_new_tenant_lands_on_the_page_of_its_progress(operator: Client, north: Tenant) -> None:
    partner = north.lead_partner
    assert partner is not None
    form = {
        "name": "Ost See", "slug": "ost-see", "partner": str(partner.pk),
        "language": "de", "time_zone": "Europe/Berlin", "region": "eu",
    }  # fmt: skip

    answer = operator.post(f"{PAGE}add/", form)

    tenant = Tenant.objects.get(slug="ost-see")
    assert (tenant.region, tenant.language) == ("eu", "de")
    assert answer["Location"] == f"{PAGE}{tenant.pk}/progress/"
    assert "Ost See is being set up" in operator.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("slug", "north", "There is a tenant “north” already"),
        ("slug", "Ünder", "it has letters that are none of a to z"),
        ("region", "Far Away!", "such as eu"),
        ("time_zone", "Mars/North", "is no time zone"),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_the_rest_stays(
    field: str, value: str, said: str, operator: Client, north: Tenant
) -> None:
    partner = north.lead_partner
    assert partner is not None
    form = {
        "name": "Ost See", "slug": "ost-see", "partner": str(partner.pk),
        "language": "de", "time_zone": "Europe/Berlin", "region": "eu",
    }  # fmt: skip

    answer = operator.post(f"{PAGE}add/", {**form, field: value})

    shown = answer.context["adminform"].form
    assert said in str(shown.errors[field])
    assert 'value="Ost See"' in answer.content.decode()
    assert not Tenant.objects.filter(name="Ost See").exists()


# A field takes the blanks around a name away, so that these are empty or good.
@pytest.mark.parametrize("slug", [s for s in HOSTILE_SLUGS if s.strip() == s != ""])
def test_a_short_name_that_no_tenant_may_have_is_refused_at_its_field(
    slug: str, operator: Client, north: Tenant
) -> None:
    partner = north.lead_partner
    assert partner is not None
    form = {
        "name": "Ost See", "slug": slug, "partner": str(partner.pk),
        "language": "de", "time_zone": "Europe/Berlin", "region": "eu",
    }  # fmt: skip

    answer = operator.post(f"{PAGE}add/", form)

    assert answer.status_code == 200
    shown = answer.context["adminform"].form
    assert "Choose one such as north-wind." in str(shown.errors["slug"])
    assert shown["slug"].value() == slug
    assert 'value="Ost See"' in answer.content.decode()
    assert "up to 32 lower-case letters" in answer.content.decode()
    assert not Tenant.objects.filter(name="Ost See").exists()


@pytest.fixture
def half_done(north: Tenant, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """Its schema stands, so that it answers; the step after it failed, and one more waits."""

    def fails(tenant: Tenant, by: Any) -> None:
        raise RuntimeError("n8n does not answer <here>")

    monkeypatch.setattr(steps, "_steps", [("n8n workspace", fails), ("policies", fails)])
    north.provisioning_steps.all().delete()
    plan_steps(north, stands=True)
    with pytest.raises(RuntimeError):
        provision_tenant(north, by=system("tests"))
    assert north.status == Tenant.Status.ACTIVE
    return north


def test_progress_shows_each_step_and_what_to_do_next(
    operator: Client, half_done: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"{PAGE}{half_done.pk}/progress/"

    shown = operator.get(page).content.decode()
    assert "n8n does not answer &lt;here&gt;" in shown
    assert "A step failed" in shown
    assert "North answers already" in shown
    assert "Mend what the message names" in shown
    assert "is ready" not in shown
    part = operator.get(f"{page}state/").content.decode()
    assert "<html" not in part
    assert "data-over" in part

    # Asked for again, the page follows until it is through.
    assert operator.post(page)["Location"] == page
    part = operator.get(f"{page}state/").content.decode()
    assert "North is being set up" in part
    assert "data-over" not in part
    done = [("n8n workspace", lambda *_: "Bound to none."), ("policies", lambda *_: None)]
    monkeypatch.setattr(steps, "_steps", done)
    provision_tenant(half_done, by=system("tests"))
    part = operator.get(f"{page}state/").content.decode()
    assert "North is ready" in part
    assert "Bound to none." in part
    assert "data-over" in part


def test_who_is_not_set_up_is_marked_counted_and_led_to_the_steps(
    operator: Client, half_done: Tenant
) -> None:
    make_row(1)
    page = operator.get(PAGE)

    alarm = next(f for f in page.context["cl"].summary["alarms"] if "Set up" in str(f.label))
    assert alarm.count == 1
    for query in (alarm.query, "setup=failed"):
        listed = operator.get(f"{PAGE}?{query}")
        assert [row.name for row in listed.context["cl"].result_list] == ["North"]
    steps_page = f'href="{PAGE}{half_done.pk}/progress/">A step failed</a>'
    assert steps_page in page.content.decode()
    assert steps_page in operator.get(f"{PAGE}{half_done.pk}/change/").content.decode()

    ProvisioningStep.objects.filter(status="failed").update(status="pending")
    shown = operator.get(PAGE).content.decode()
    assert "Left to do: n8n workspace, policies" in shown
    assert operator.get(f"{PAGE}?setup=failed").context["cl"].result_count == 0
