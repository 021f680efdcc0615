"""The engagement editor of platform admins: the matrix, engaging, ending."""

import pytest
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from tenants.context import inside
from tenants.engagements import LeadStays, engage_partner
from tenants.models import Engagement, Ownership, Partner, Tenant
from tenants.suspension import suspend_tenant

Area = Ownership.Area


@pytest.fixture
def lead(north: Tenant) -> Engagement:
    return Engagement.objects.get(tenant=north)


@pytest.fixture
def helper(north: Tenant) -> Engagement:
    partner = Partner.objects.create(slug="helper", name="Helper Ltd")
    return engage_partner(partner=partner, tenant=north, owns=["support"], by=system("tests"))


def address(tenant: Tenant) -> str:
    return f"/admin/tenants/engagement/of/{tenant.pk}/"


def test_the_matrix_shows_who_owns_what(
    operator: Client, north: Tenant, lead: Engagement, helper: Engagement
) -> None:
    page = operator.get(address(north)).content.decode()

    assert page.count('type="radio"') == 6 * 3 + 2
    assert page.count("checked") == 7
    assert "Support: Helper Ltd" in page


def test_saving_it_moves_areas_and_the_lead(
    operator: Client, north: Tenant, lead: Engagement, helper: Engagement
) -> None:
    wanted = dict.fromkeys(Area.values, str(lead.pk))
    wanted |= {Area.AUTOMATION: str(helper.pk), Area.SUPPORT: "", "lead": str(helper.pk)}

    assert operator.post(address(north), wanted, follow=True).status_code == 200

    owners = dict(Ownership.objects.filter(tenant=north).values_list("area", "engagement"))
    assert owners == {
        **dict.fromkeys(set(Area.values) - {"support", "automation"}, lead.pk),
        "automation": helper.pk,
    }
    assert north.lead_partner == helper.partner
    with inside(north):
        last = Entry.objects.filter(subject_type="engagement").last()
    assert last is not None
    assert last.actor_label == "root (platform)"


def test_it_wants_a_lead(operator: Client, north: Tenant, helper: Engagement) -> None:
    answer = operator.post(address(north), {"support": str(helper.pk)})

    assert "Choose one in each row." in answer.content.decode()


def test_what_the_service_refuses_is_said_above_it_and_nothing_is_moved(
    operator: Client,
    north: Tenant,
    lead: Engagement,
    helper: Engagement,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(**_given: object) -> None:
        raise LeadStays("Helper Ltd cannot lead before Monday.")

    monkeypatch.setattr("tenants.admin.engagements.hand_over_lead", refuses)
    wanted = {**dict.fromkeys(Area.values, str(helper.pk)), "lead": str(helper.pk)}

    answer = operator.post(address(north), wanted)

    assert "Helper Ltd cannot lead before Monday." in answer.content.decode()
    assert Ownership.objects.filter(tenant=north, engagement=lead).exists()


def test_a_partner_is_engaged_by_form(operator: Client, north: Tenant) -> None:
    partner = Partner.objects.create(slug="third", name="Third")
    form = {"tenant": north.pk, "partner": partner.pk, "owns": ["optimisation"]}

    operator.post("/admin/tenants/engagement/add/", form)

    engaged = Engagement.objects.get(partner=partner)
    assert [each.area for each in engaged.ownerships.all()] == ["optimisation"]
    assert not engaged.is_lead


def test_only_who_does_not_lead_can_be_ended(
    operator: Client, north: Tenant, lead: Engagement, helper: Engagement
) -> None:
    def end(engagement: Engagement) -> int:
        path = f"/admin/tenants/engagement/{engagement.pk}/delete/"
        return operator.post(path, {"post": "yes"}).status_code

    assert end(helper) == 302
    assert end(lead) == 403
    assert [each.pk for each in Engagement.objects.filter(tenant=north)] == [lead.pk]
    with inside(north):
        assert Entry.objects.filter(action="engagement.ended").count() == 1


def test_the_tenants_page_leads_to_it(operator: Client, north: Tenant, helper: Engagement) -> None:
    page = operator.get(f"/admin/tenants/tenant/{north.pk}/change/").content.decode()

    assert "Helper Ltd" in page
    assert address(north) in page


def test_of_a_suspended_tenant_a_partner_is_taken_out(
    operator: Client, north: Tenant, lead: Engagement, helper: Engagement
) -> None:
    suspend_tenant(tenant=north, by=system("tests"))

    page = operator.get(address(north)).content.decode()
    assert "End Helper Ltd's engagement" in page
    wanted = {**dict.fromkeys(Area.values, str(lead.pk)), "lead": str(lead.pk)}
    assert operator.post(address(north), wanted).status_code == 302
    assert not helper.ownerships.exists()
    ended = operator.post(f"/admin/tenants/engagement/{helper.pk}/delete/", {"post": "yes"})
    assert ended.status_code == 302
    assert [each.pk for each in Engagement.objects.filter(tenant=north)] == [lead.pk]


def test_a_sandbox_leads_to_its_productions(operator: Client, north: Tenant, south: Tenant) -> None:
    Tenant.objects.filter(pk=south.pk).update(environment="sandbox", sandbox_of=north)

    assert operator.get(address(south))["Location"] == address(north)
    assert (
        address(south) in operator.get(f"/admin/tenants/tenant/{south.pk}/change/").content.decode()
    )
    form = {"tenant": south.pk, "partner": Partner.objects.get(slug="partner-south").pk}
    refused = operator.post("/admin/tenants/engagement/add/", form)
    assert "Choose North instead" in str(refused.context["adminform"].form.errors["tenant"])
