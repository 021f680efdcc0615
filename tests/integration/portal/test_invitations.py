"""From an invitation to a role: by whom, for whom, once, for seven days, telling nobody more."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from controlplane.audit.models import Entry
from tenants.context import inside
from tenants.models import ApiKey, Engagement, Invitation, Member, Ownership, Partner, Tenant

Browser = Callable[..., Client]
NEW = {"first_name": "Kaja", "last_name": "Nowak", "password": "a newer horse 9"}


def invite(manager: Client, email: str = "Kaja@example.com", **more: str) -> str:
    """The path of the mailed link."""
    form = {"email": email, "role": "approver", **more}
    assert manager.post("/members/invitations/new/", form).status_code == 302
    return re.search(r"http://\S+?(/invitations/\S+)", mail.outbox[-1].body)[1]


@pytest.fixture
def manager(north: Tenant, browser: Browser) -> Client:
    return browser(north, role="manager", name="mia")


def stranger_at(tenant: Tenant) -> Client:
    return Client(headers={"host": tenant.host})


def test_somebody_new_sets_name_and_password_and_is_in(north: Tenant, manager: Client) -> None:
    link = invite(manager)
    message = mail.outbox[0]
    assert message.subject == "You are invited to Partner North"
    assert message.to == ["kaja@example.com"]
    kaja = stranger_at(north)
    assert "as Approver" in kaja.get(link).content.decode()
    weak = kaja.post(link, {**NEW, "password": "12345"})
    assert weak.status_code == 422

    assert kaja.post(link, NEW).headers["Location"] == "/"

    assert kaja.get("/approvals/").status_code == 200
    user = User.objects.get(email="kaja@example.com")
    assert (user.get_full_name(), user.username) == ("Kaja Nowak", "kaja@example.com")
    assert EmailAddress.objects.get(user=user).verified
    assert Member.objects.get(user=user).role == "approver"
    again = stranger_at(north).get(link)
    assert again.status_code == 410
    with inside(north):
        actions = Entry.objects.order_by("sequence").values_list("action", flat=True)
        assert list(actions)[-3:] == ["invitation.sent", "invitation.accepted", "member.added"]
        assert "token" not in str(list(Entry.objects.values_list("data", flat=True)))


def test_who_has_an_account_logs_in_and_accepts(
    north: Tenant, south: Tenant, manager: Client, make_member: Callable[..., Member]
) -> None:
    member = make_member(south, name="kaja")
    link = invite(manager, "KAJA@south.example")
    kaja = stranger_at(north)
    assert "Log in with it" in kaja.get(link).content.decode()
    form = {"login": "kaja-south", "password": "correct horse battery", "next": link}

    assert kaja.post("/accounts/login/", form).headers["Location"] == link
    assert kaja.get("/approvals/").status_code == 403
    assert "Accept" in kaja.get(link).content.decode()
    assert kaja.post(link).headers["Location"] == "/"

    assert kaja.get("/approvals/").status_code == 200
    assert Member.objects.get(user=member.user, tenant=north).role == "approver"
    assert User.objects.filter(email__iexact="kaja@south.example").count() == 1


def test_the_answer_is_the_same_whoever_is_invited(
    north: Tenant, manager: Client, make_member: Callable[..., Member]
) -> None:
    make_member(north, name="ada")
    answers = set()
    for email in ("ada@north.example", "nobody@example.com"):
        form = {"email": email, "role": "viewer"}
        page = manager.post("/members/invitations/new/", form, follow=True).content.decode()
        notice = re.search(r'<div class="notice notice-good".*?</div></div>', page, re.S)[0]
        answers.add(notice.replace(email, ""))

    assert len(answers) == 1
    assert len(mail.outbox) == 2


def test_somebody_elses_invitation_is_not_accepted(
    north: Tenant, manager: Client, browser: Browser
) -> None:
    link = invite(manager)
    other = browser(north, role="viewer", name="vic")
    assert "you are logged in as" in other.get(link).content.decode()

    assert other.post(link).status_code == 403
    assert Member.objects.get(user__username="vic-north").role == "viewer"
    assert Invitation.objects.get().status == "open"


@pytest.mark.parametrize("end", ["expired", "revoked", "replaced", "elsewhere", "garbled"])
def test_what_is_over_lets_nobody_in(
    north: Tenant, south: Tenant, manager: Client, end: str
) -> None:
    link, where = invite(manager), north
    if end == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "revoked":
        manager.post(f"/members/invitations/{Invitation.objects.get().pk}/revoke/")
    elif end == "replaced":
        invite(manager)
    elif end == "elsewhere":
        where = south
    else:
        link = link.replace("/invitations/", "/invitations/x")

    answer = stranger_at(where).post(link, NEW)

    assert answer.status_code == 410
    assert not User.objects.filter(email="kaja@example.com").exists()


def test_an_invitation_never_takes_rights_away(
    north: Tenant, manager: Client, make_member: Callable[..., Member]
) -> None:
    mia = User.objects.get(username="mia-north")
    link = invite(manager, mia.email, role="viewer")

    manager.post(link)

    assert Member.objects.get(user=mia).role == "manager"


def test_only_managers_invite(north: Tenant, browser: Browser) -> None:
    viewer = browser(north, role="viewer", name="vic")

    for page in ("/members/invitations/", "/members/invitations/new/"):
        assert viewer.get(page).status_code == 403
    form = {"email": "kaja@example.com", "role": "manager"}
    assert viewer.post("/members/invitations/new/", form).status_code == 403
    assert not Invitation.objects.exists()


def _partner_manager(tenant: Tenant) -> Client:
    user = User.objects.create_user("pat", "pat@partner.example", "x")
    member = Member.objects.create(user=user, partner=tenant.lead_partner, role="manager")
    client = stranger_at(tenant)
    client.force_login(member.user, "django.contrib.auth.backends.ModelBackend")
    return client


def test_a_partner_s_manager_invites_to_the_partner(north: Tenant, browser: Browser) -> None:
    pat = _partner_manager(north)
    link = invite(pat, place="partner")

    stranger_at(north).post(link, NEW)

    member = Member.objects.get(user__email="kaja@example.com")
    assert (member.partner, member.tenant) == (north.lead_partner, None)
    assert "kaja@example.com" in pat.get("/members/invitations/").content.decode()
    assert Entry.objects.filter(action="invitation.sent").count() == 1  # in the platform's trail


def test_a_tenant_s_manager_does_not_invite_to_the_partner(north: Tenant, manager: Client) -> None:
    invite(_partner_manager(north), place="partner")
    sent = Invitation.objects.get()

    invite(manager, "other@example.com", place="partner")

    assert Invitation.objects.get(email="other@example.com").tenant == north
    assert "kaja@example.com" not in manager.get("/members/invitations/").content.decode()
    assert manager.post(f"/members/invitations/{sent.pk}/revoke/").status_code == 404


def test_a_partner_that_left_lets_nobody_in(north: Tenant) -> None:
    link = invite(_partner_manager(north), place="partner")
    Engagement.objects.filter(tenant=north).delete()

    assert stranger_at(north).get(link).status_code == 410


def test_a_mail_that_fails_leaves_no_open_invitation(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    form = {"email": "kaja@example.com", "role": "viewer"}

    answer = manager.post("/members/invitations/new/", form)

    assert answer.status_code == 422
    assert "could not be sent" in answer.content.decode()
    assert Invitation.objects.get().status == "revoked"


def test_the_link_does_not_stand_in_the_log(
    north: Tenant, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths: list[str] = []
    monkeypatch.setattr(
        "controlplane.api.middleware.log.info", lambda _event, *, path, **_: paths.append(path)
    )
    link = invite(manager)
    stranger_at(north).get(link)

    assert paths[-1] == "/invitations/…/"


def test_a_sandbox_invites_to_its_customer(north: Tenant, south: Tenant, manager: Client) -> None:
    Partner.objects.update(name="P")
    Tenant.objects.filter(pk=south.pk).update(environment="sandbox", sandbox_of=north)
    sandbox = Tenant.objects.get(pk=south.pk)
    mia = Member.objects.get(user__username="mia-north")
    client = stranger_at(sandbox)
    from tenants import lookup

    lookup.forget_tenants()
    client.force_login(mia.user, "django.contrib.auth.backends.ModelBackend")

    invite(client)

    assert Invitation.objects.get().tenant == north


def test_one_that_expired_is_sent_again_from_its_row(north: Tenant, manager: Client) -> None:
    invite(manager)
    expired = Invitation.objects.get()
    again = f"/members/invitations/{expired.pk}/again/"
    assert "Send again" not in manager.get("/members/invitations/").content.decode()
    refused = manager.post(again)
    assert refused.status_code == 409
    assert "has not expired" in refused.content.decode()
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert f'action="{again}"' in manager.get("/members/invitations/").content.decode()

    page = manager.post(again, follow=True).content.decode()

    assert "kaja@example.com is invited" in page
    sent = Invitation.objects.exclude(pk=expired.pk).get()
    assert (sent.status, sent.role, sent.email) == ("open", "approver", "kaja@example.com")
    link = re.search(r"http://\S+?(/invitations/\S+)", mail.outbox[-1].body)[1]
    assert stranger_at(north).post(link, NEW).headers["Location"] == "/"


@pytest.fixture
def eve(north: Tenant, browser: Browser) -> Client:
    """Viewer of Older, her earlier seat; manager of Newer, which alone owns Infrastructure."""
    seats = []
    for name, role in (("Older", "viewer"), ("Newer", "manager")):
        partner = Partner.objects.create(slug=name.lower(), name=name)
        engagement = Engagement.objects.create(tenant=north, partner=partner)
        Ownership.objects.filter(tenant=north, area="infrastructure").delete()
        Ownership.objects.create(tenant=north, engagement=engagement, area="infrastructure")
        eve = User.objects.get_or_create(username="eve", email="eve@example.com")[0]
        seats.append(Member.objects.create(user=eve, partner=partner, role=role))
    return browser(north, member=seats[0])


def test_who_is_in_two_partners_invites_to_the_one_whose_manager_she_is(eve: Client) -> None:
    form = eve.get("/members/invitations/new/").content.decode()
    assert "Newer: all workspaces" in form
    assert "Older" not in form

    invite(eve, "eve2@example.com", role="manager", place="partner")

    assert Invitation.objects.get().partner.name == "Newer"


def test_what_another_of_her_partners_sent_is_not_hers(eve: Client) -> None:
    older = Partner.objects.get(name="Older")
    past = timezone.now() - timedelta(days=1)
    sent = Invitation.objects.create(
        email="olga@example.com", role="manager", partner=older, token_sha256="x" * 64,
        invited_by="Ola", expires_at=past,
    )  # fmt: skip

    assert "olga@example.com" not in eve.get("/members/invitations/").content.decode()
    assert eve.post(f"/members/invitations/{sent.pk}/again/").status_code == 404
    assert not mail.outbox
    Invitation.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert eve.post(f"/members/invitations/{sent.pk}/revoke/").status_code == 404
    assert Invitation.objects.get().status == "open"


def test_her_key_is_issued_for_the_same_partner(eve: Client) -> None:
    eve.post("/keys/new/", {"name": "Our ERP", "scopes": ["orders:review"], "days": "90"})

    assert ApiKey.objects.get().partner.name == "Newer"


def test_one_who_is_the_tenants_viewer_too_acts_for_the_partner_all_the_same(
    north: Tenant, eve: Client
) -> None:
    user = User.objects.get(username="eve")
    Member.objects.create(user=user, tenant=north, role="viewer")

    eve.post("/keys/new/", {"name": "Our ERP", "scopes": ["orders:review"], "days": "90"})

    assert ApiKey.objects.get().partner.name == "Newer"
