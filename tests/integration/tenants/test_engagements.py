"""An engagement's life: who comes in by it, what it owns, and that nobody stays when it ends."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import sesame.utils
from django.contrib.auth.models import User
from django.db import IntegrityError, connections, transaction
from django.test import Client
from django.urls import reverse

from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.core.actor import system
from tenants.access import member_of
from tenants.context import inside
from tenants.engagements import (
    AlreadyEngaged,
    LeadStays,
    NotEngaged,
    change_ownership,
    end_engagement,
    engage_partner,
    hand_over_lead,
)
from tenants.keys import KeyTermsInvalid, issue_key, rotate_key
from tenants.members import deciders_of
from tenants.models import ApiKey, Engagement, Member, Ownership, Partner, Tenant
from tenants.permissions import Permission

Area = Ownership.Area
BY = system("tests")


@pytest.fixture
def lead(north: Tenant) -> Engagement:
    return Engagement.objects.select_related("partner", "tenant").get(tenant=north)


@pytest.fixture
def helper(north: Tenant) -> Engagement:
    """A second partner, which owns support and escalation."""
    partner = Partner.objects.create(slug="helper", name="Helper Ltd")
    return engage_partner(
        partner=partner, tenant=north, owns=[Area.SUPPORT, Area.ESCALATION], by=BY
    )


@pytest.fixture
def hanna(helper: Engagement) -> Member:
    user = User.objects.create_user("hanna", "hanna@helper.example", "correct horse battery")
    return Member.objects.create(user=user, partner=helper.partner, role=Member.Role.MANAGER)


def owned(engagement: Engagement) -> set[str]:
    return set(engagement.ownerships.values_list("area", flat=True))


def trail(tenant: Tenant) -> list[tuple[str, dict[str, object]]]:
    with inside(tenant):
        assert verify_chain().broken_at is None
        found = Entry.objects.filter(subject_type="engagement").order_by("sequence")
        return [(entry.action, entry.data) for entry in found]


def test_who_leads_a_new_tenant_owns_all_of_it(lead: Engagement) -> None:
    assert lead.is_lead
    assert owned(lead) == set(Area.values)


def test_engaging_takes_areas_from_who_owned_them(
    north: Tenant, lead: Engagement, helper: Engagement
) -> None:
    assert owned(helper) == {Area.SUPPORT, Area.ESCALATION}
    assert owned(lead) == set(Area.values) - owned(helper)
    assert not helper.is_lead
    started, *changed = trail(north)[-3:]
    assert started[0] == "engagement.started"
    assert {action for action, _data in changed} == {"engagement.changed"}
    assert {"before": {"owns": []}, "after": {"owns": ["escalation", "support"]}} in [
        data for _action, data in changed
    ]


def test_a_partner_is_engaged_once(north: Tenant, helper: Engagement) -> None:
    with pytest.raises(AlreadyEngaged, match="Helper Ltd is engaged at North"):
        engage_partner(partner=helper.partner, tenant=north, by=BY)


def test_an_area_may_be_nobodys(north: Tenant, helper: Engagement) -> None:
    change_ownership(tenant=north, owners={Area.SUPPORT: None}, by=BY)

    assert owned(helper) == {Area.ESCALATION}
    assert not Ownership.objects.filter(tenant=north, area=Area.SUPPORT).exists()


def test_what_changes_nothing_is_not_recorded(north: Tenant, helper: Engagement) -> None:
    before = trail(north)

    change_ownership(tenant=north, owners={Area.SUPPORT: helper}, by=BY)

    assert trail(north) == before


def test_only_who_is_engaged_there_can_own(
    north: Tenant, south: Tenant, helper: Engagement
) -> None:
    with pytest.raises(NotEngaged):
        change_ownership(tenant=south, owners={Area.SUPPORT: helper}, by=BY)


def test_the_database_knows_one_lead_and_one_owner(lead: Engagement, helper: Engagement) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Engagement.objects.filter(pk=helper.pk).update(is_lead=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Ownership.objects.create(engagement=lead, tenant=lead.tenant, area=Area.SUPPORT)


def test_the_lead_is_handed_over(north: Tenant, lead: Engagement, helper: Engagement) -> None:
    hand_over_lead(engagement=helper, by=BY)

    assert north.lead_partner == helper.partner
    assert [data["after"] for _action, data in trail(north)[-2:]] == [
        {"is_lead": False}, {"is_lead": True},
    ]  # fmt: skip
    assert Area.INFRASTRUCTURE in owned(lead), "who leads says nothing of who owns"


def test_who_leads_cannot_just_go(lead: Engagement) -> None:
    with pytest.raises(LeadStays, match="Hand the lead over"):
        end_engagement(engagement=lead, by=BY)


def test_ending_it_ends_sessions_links_and_mails_at_once(
    north: Tenant, helper: Engagement, hanna: Member, browser: Callable[..., Client]
) -> None:
    client = browser(north, member=hanna)
    link = sesame.utils.get_query_string(hanna.user)
    assert client.get("/approvals/").status_code == 200
    assert client.get("/api/v1/approvals").status_code == 200
    assert "hanna@helper.example" in {contact.email for contact in deciders_of(north)}

    end_engagement(engagement=helper, by=BY)

    assert client.get("/approvals/").status_code == 403
    assert client.get("/api/v1/approvals").status_code == 403
    assert client.get("/profile/").status_code == 403
    stranger = Client(headers={"host": north.host})
    assert stranger.get(f"/accounts/enter/{link}").status_code == 403
    assert "hanna@helper.example" not in {contact.email for contact in deciders_of(north)}
    action, data = trail(north)[-1]
    assert action == "engagement.ended"
    assert data["before"]["partner"] == "helper"  # type: ignore[index]


def test_a_key_that_a_partners_member_issues_ends_with_the_engagement(
    north: Tenant, helper: Engagement
) -> None:
    user = User.objects.create_user("hal", "hal@helper.example", "pw")
    Member.objects.create(user=user, partner=helper.partner, role=Member.Role.MANAGER)
    change_ownership(tenant=north, owners={Area.INFRASTRUCTURE: helper}, by=BY)
    hal = Client(headers={"host": north.host})
    hal.force_login(user, "django.contrib.auth.backends.ModelBackend")
    answer = hal.post(
        reverse("keys:create", urlconf="controlplane.tenant_urls"),
        {"name": "ERP", "scopes": ["orders:review"], "days": "30"},
    )
    assert answer.status_code == 302
    rotated, _text = rotate_key(key=ApiKey.objects.get(), overlap=timedelta(days=1), by=BY)

    assert end_engagement(engagement=helper, by=BY) == 2

    assert set(ApiKey.objects.values_list("partner", flat=True)) == {helper.partner_id}
    rotated.refresh_from_db()
    assert rotated.status == "revoked"


def test_a_key_that_is_just_being_issued_is_revoked_too(yard: Tenant) -> None:
    partner, _new = Partner.objects.get_or_create(slug="hurried", defaults={"name": "Hurried"})
    engagement = engage_partner(partner=partner, tenant=yard, by=BY)
    began, done = threading.Event(), threading.Event()

    def end() -> None:
        began.set()
        end_engagement(engagement=engagement, by=BY)
        done.set()
        connections.close_all()

    ending = threading.Thread(target=end)
    with transaction.atomic():
        issue_key(tenant=yard, name="ERP", scopes=[], partner_id=partner.pk, by=BY)
        ending.start()
        assert began.wait(5)
        assert not done.wait(0.5), "it ended before the key was there"
    ending.join(10)

    assert done.is_set()
    assert ApiKey.objects.get().status == "revoked"
    with pytest.raises(KeyTermsInvalid, match="does not work for"):
        issue_key(tenant=yard, name="ERP", scopes=[], partner_id=partner.pk, by=BY)
    ApiKey.objects.all().delete()
    partner.delete()


def test_ending_it_revokes_the_partners_keys_and_no_others(
    north: Tenant, south: Tenant, helper: Engagement, machine: Callable[..., Client]
) -> None:
    theirs, own = machine(north, partner_id=helper.partner.pk), machine(north)
    elsewhere = machine(south, partner_id=helper.partner.pk)

    assert end_engagement(engagement=helper, by=BY) == 1

    assert theirs.get("/api/v1/whoami").json()["code"] == "key_refused"
    assert own.get("/api/v1/whoami").status_code == 200
    assert elsewhere.get("/api/v1/whoami").status_code == 200


def test_an_end_that_is_rolled_back_takes_nothing_away(
    north: Tenant, helper: Engagement, hanna: Member, machine: Callable[..., Client]
) -> None:
    machine(north, partner_id=helper.partner.pk)
    with transaction.atomic():
        end_engagement(engagement=helper, by=BY)
        transaction.set_rollback(True)

    assert ApiKey.objects.get().revoked_at is None
    assert member_of(hanna.user, north) is not None


def test_who_is_the_tenants_member_too_stays_that(
    north: Tenant, helper: Engagement, hanna: Member, browser: Callable[..., Client]
) -> None:
    Member.objects.create(user=hanna.user, tenant=north, role=Member.Role.VIEWER)
    client = browser(north, member=hanna)
    assert client.get("/tickets/new/").status_code == 200

    end_engagement(engagement=helper, by=BY)

    assert client.get("/tickets/").status_code == 200
    assert client.get("/tickets/new/").status_code == 403


def test_the_door_asks_one_question_for_all_memberships(
    north: Tenant, hanna: Member, django_assert_num_queries: Callable[..., object]
) -> None:
    Member.objects.create(user=hanna.user, tenant=north, role=Member.Role.VIEWER)
    with django_assert_num_queries(1):
        member = member_of(hanna.user, north)

    assert member is not None
    assert member.tenant_id == north.pk, "whose language and zone count"
    assert member.grant.may(Permission.DECIDE)
    assert not member.grant.may(Permission.INSTALLATIONS)


def test_in_a_sandbox_the_customers_engagements_count(
    north: Tenant, hanna: Member, django_assert_num_queries: Callable[..., object]
) -> None:
    sandbox = Tenant.objects.create(
        slug="north-sandbox", schema_name="t_north_sandbox", name="North (sandbox)",
        environment="sandbox", sandbox_of=north,
    )  # fmt: skip
    sandbox = Tenant.objects.get(pk=sandbox.pk)

    with django_assert_num_queries(1):
        member = member_of(hanna.user, sandbox)

    assert member is not None
    assert member.grant.may(Permission.DECIDE)
