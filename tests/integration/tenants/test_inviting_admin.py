"""The first people of a tenant and of a partner are invited from its page in the admin."""

import re
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from tenants.context import inside
from tenants.models import Invitation, Member, Partner, Tenant
from tenants.suspension import suspend_tenant

FORM = {"email": "Kaja@example.com", "role": "manager"}
NEW = {"first_name": "Kaja", "last_name": "Nowak", "password": "a newer horse 9"}


def of_tenant(tenant: Tenant) -> str:
    return f"/admin/tenants/tenant/{tenant.pk}/invite/"


def of_partner(partner: Partner) -> str:
    return f"/admin/tenants/partner/{partner.pk}/invite/"


def come(tenant: Tenant) -> Client:
    """By the link of the last mail, as somebody new."""
    link = re.search(r"http://\S+?(/invitations/\S+)", mail.outbox[-1].body)[1]
    kaja = Client(headers={"host": tenant.host})
    assert kaja.post(link, NEW).headers["Location"] == "/"
    return kaja


def test_a_tenants_first_manager_comes_by_one_form_and_one_mail(
    operator: Client, north: Tenant
) -> None:
    page = of_tenant(north)
    assert page in operator.get(f"/admin/tenants/tenant/{north.pk}/change/").content.decode()

    told = operator.post(page, FORM, follow=True).content.decode()

    assert "kaja@example.com is invited" in told
    assert "Invited, and not come yet" in told
    assert "root (platform) invites you to Partner North at North" in mail.outbox[-1].body
    kaja = come(north)
    assert kaja.get("/members/invitations/").status_code == 200
    member = Member.objects.get(user__email="kaja@example.com")
    assert (member.tenant, member.role) == (north, "manager")
    with inside(north):
        sent = Entry.objects.get(action="invitation.sent")
    assert sent.actor_label == "root (platform)"


def test_a_partners_people_come_in_by_a_tenant_that_it_works_for(
    operator: Client, north: Tenant
) -> None:
    partner = north.lead_partner
    assert partner is not None
    page = of_partner(partner)
    assert page in operator.get(f"/admin/tenants/partner/{partner.pk}/change/").content.decode()

    operator.post(page, FORM)

    come(north)
    member = Member.objects.get(user__email="kaja@example.com")
    assert (member.partner, member.tenant) == (partner, None)


def test_where_nobody_could_come_in_nobody_is_invited(operator: Client, north: Tenant) -> None:
    alone = Partner.objects.create(slug="alone", name="Alone")
    suspend_tenant(tenant=north, by=system("tests"))

    for page, why in (
        (of_partner(alone), "Alone works for no tenant yet"),
        (of_tenant(north), "The portal of North does not answer now"),
    ):
        answer = operator.post(page, FORM)
        assert answer.status_code == 422
        assert why in answer.content.decode()
        assert 'value="Kaja@example.com"' in answer.content.decode()
    assert mail.outbox == []
    assert not Invitation.objects.exists()


def test_a_sandbox_leads_to_its_production(operator: Client, north: Tenant, south: Tenant) -> None:
    Tenant.objects.filter(pk=south.pk).update(environment="sandbox", sandbox_of=north)

    assert operator.get(of_tenant(south))["Location"] == of_tenant(north)


def test_an_invitation_whose_mail_was_not_sent_does_not_stay_open(
    operator: Client, north: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: Any, **_given: Any) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(EmailMessage, "send", fails)

    told = operator.post(of_tenant(north), FORM).content.decode()

    assert "The mail could not be sent." in told
    assert Invitation.objects.get().status != "open"


def test_an_invitation_is_taken_back(operator: Client, north: Tenant, south: Tenant) -> None:
    operator.post(of_tenant(north), FORM)
    invitation = Invitation.objects.get()

    operator.post(of_tenant(south), {"revoke": str(invitation.pk)})
    operator.post(of_tenant(north), {"revoke": "nonsense"})
    assert Invitation.objects.get().status == "open"
    told = operator.post(of_tenant(north), {"revoke": str(invitation.pk)}, follow=True)

    assert "was taken back" in told.content.decode()
    assert Invitation.objects.get().status == "revoked"
