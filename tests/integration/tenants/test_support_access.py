"""Support access: for one tenant, for a time, by a link that works once, seen by the tenant."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client, override_settings
from django.utils import timezone

from controlplane.approvals.models import Approval
from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.core.actor import Actor, ActorKind
from tenants import support_access
from tenants.context import inside
from tenants.models import Member, SupportEntry, Tenant
from tenants.support_mail import mail_entered
from tests.factories.approvals import make_approval, make_order
from tests.factories.events import make_workspace
from tests.factories.support_access import make_entry

REASON = "Ticket 4711: an order is held"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def grace(db: None) -> User:
    return User.objects.create_superuser("grace", "grace@pergola.example", first_name="Grace")


@pytest.fixture
def admin(grace: User) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(grace, BACKEND)
    return client


def asks(admin: Client, tenant: Tenant, **given: str) -> Any:
    form = {"reason": REASON, "minutes": "30", "as_role": "viewer", **given}
    return admin.post(f"/admin/tenants/tenant/{tenant.pk}/enter/", form)


def portal_link(admin: Client, tenant: Tenant) -> str:
    return str(admin.get(f"/admin/tenants/tenant/{tenant.pk}/enter/portal/")["Location"])


def follow(link: str, host: str, client: Client | None = None) -> tuple[Client, Any]:
    client = client or Client(headers={"host": host})
    parts = urlsplit(link)
    return client, client.get(f"{parts.path}?{parts.query}", headers={"host": host})


@pytest.fixture
def inside_north(admin: Client, north: Tenant) -> Client:
    """Grace's browser on North's host."""
    asks(admin, north)
    client, answer = follow(portal_link(admin, north), north.host)
    assert answer.status_code == 302
    return client


def in_chain(tenant: Tenant) -> list[tuple[str, str]]:
    with inside(tenant):
        assert verify_chain().broken_at is None
        rows = Entry.objects.filter(action__startswith="support.")
        return list(rows.values_list("action", "actor_label"))


def test_the_tenants_admin_asks_for_a_reason_and_then_opens(admin: Client, north: Tenant) -> None:
    wanted = "/t/north/admin/orders/order/"

    refused = admin.get(wanted)
    assert refused["Location"] == f"/admin/tenants/tenant/{north.pk}/enter/?next={wanted}"
    page = admin.get(refused["Location"])
    assert "Reason" in page.content.decode()
    answer = admin.post(
        refused["Location"], {"reason": REASON, "minutes": "15", "as_role": "viewer"}
    )

    assert answer["Location"] == wanted
    shown = admin.get(wanted)
    assert shown.status_code == 200
    assert "Support access until" in shown.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("reason", "because"), ("reason", " " * 20), ("minutes", "240"), ("as_role", "owner")],
)
def test_what_is_missing_is_said_and_opens_nothing(
    field: str, value: str, admin: Client, north: Tenant
) -> None:
    answer = asks(admin, north, **{field: value})

    assert answer.status_code == 422
    assert not SupportEntry.objects.exists()


def test_another_address_than_the_tenants_admin_is_not_gone_to(
    admin: Client, north: Tenant
) -> None:
    for wanted in ("https://evil.example/", "//evil.example/t/north/admin/", "/t/south/admin/"):
        SupportEntry.objects.all().delete()
        path = f"/admin/tenants/tenant/{north.pk}/enter/?next={wanted}"
        answer = admin.post(path, {"reason": REASON, "minutes": "15", "as_role": "viewer"})
        assert answer["Location"] == f"/admin/tenants/tenant/{north.pk}/enter/"


def test_the_portal_shows_the_band_and_the_name(inside_north: Client, north: Tenant) -> None:
    shown = inside_north.get("/orders/").content.decode()

    assert "Grace, you are at North as platform support." in shown
    assert 'action="/support-access/leave/"' in shown
    assert "data-ends=" in shown


def test_a_role_permits_what_it_permits(admin: Client, north: Tenant) -> None:
    with inside(north):
        make_workspace()
        approval = make_approval(make_order())
    path = f"/approvals/{approval.pk}/decision/"
    answer = {"decision": "approve", "comment": "Looked at it with Ada"}

    asks(admin, north, as_role="viewer")
    viewer, _answer = follow(portal_link(admin, north), north.host)
    assert viewer.post(path, answer).status_code == 403
    viewer.post("/support-access/leave/")
    asks(admin, north, as_role="approver")
    approver, _answer = follow(portal_link(admin, north), north.host)
    assert approver.post(path, answer).status_code == 302

    with inside(north):
        assert Approval.objects.get().decided_by == "Grace (platform support)"


def test_a_link_works_once(admin: Client, north: Tenant) -> None:
    asks(admin, north)
    link = portal_link(admin, north)

    assert follow(link, north.host)[1].status_code == 302
    again, answer = follow(link, north.host)
    assert answer.status_code == 403
    assert again.get("/orders/").status_code == 302  # to the log-in


def test_a_link_of_one_tenant_opens_no_other(admin: Client, north: Tenant, south: Tenant) -> None:
    asks(admin, north)

    client, answer = follow(portal_link(admin, north), south.host)

    assert answer.status_code == 403
    assert client.get("/orders/").status_code == 302


@pytest.mark.parametrize("token", ["", "nonsense", "a:b:c", "\u00e4" * 10])
def test_a_made_up_link_is_refused(token: str, north: Tenant) -> None:
    answer = Client(headers={"host": north.host}).get("/support-access/enter/", {"token": token})

    assert answer.status_code == 403


def test_a_link_is_too_old_after_a_minute(admin: Client, north: Tenant) -> None:
    asks(admin, north)
    link = portal_link(admin, north)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(support_access, "LINK_SECONDS", -1)
        assert follow(link, north.host)[1].status_code == 403


def test_a_session_of_one_tenant_opens_no_other(
    inside_north: Client, south: Tenant, admin: Client
) -> None:
    assert inside_north.get("/orders/").status_code == 200
    inside_north.defaults["HTTP_HOST"] = south.host
    assert inside_north.get("/orders/").status_code == 403
    assert inside_north.get("/api/v1/approvals").status_code == 403
    assert admin.get("/t/south/admin/orders/order/").status_code == 302


def test_it_is_refused_from_the_moment_it_expires(
    inside_north: Client, admin: Client, north: Tenant
) -> None:
    assert admin.get("/t/north/admin/orders/order/").status_code == 200
    now = timezone.now()
    SupportEntry.objects.update(started_at=now - timedelta(hours=1), expires_at=now)

    refused = inside_north.get("/orders/")
    assert refused.status_code == 403
    assert "has ended" in refused.content.decode()
    assert admin.get("/t/north/admin/orders/order/").status_code == 302
    assert admin.post("/t/north/admin/policies/policy/add/", {}).status_code == 302


def test_that_it_expired_is_written_once(inside_north: Client, north: Tenant) -> None:
    now = timezone.now()
    SupportEntry.objects.update(started_at=now - timedelta(hours=1), expires_at=now)

    assert support_access.close_overdue() == 1
    assert support_access.close_overdue() == 0
    assert in_chain(north) == [
        ("support.entered", "Grace (platform)"),
        ("support.expired", "Pergola (support access)"),
    ]
    assert SupportEntry.objects.get().ended_at == now


def test_leaving_ends_it_and_the_session(
    inside_north: Client, admin: Client, north: Tenant
) -> None:
    assert inside_north.post("/support-access/leave/").status_code == 200

    assert inside_north.get("/orders/").status_code == 302
    assert admin.get("/t/north/admin/orders/order/").status_code == 302
    assert in_chain(north)[-1] == ("support.left", "Grace (platform support)")


def test_leaving_from_the_admin(admin: Client, inside_north: Client, north: Tenant) -> None:
    admin.post(f"/admin/tenants/tenant/{north.pk}/enter/", {"leave": "1"})

    assert inside_north.get("/orders/").status_code == 403
    assert in_chain(north)[-1][0] == "support.left"


def test_another_admin_ends_it(inside_north: Client, north: Tenant) -> None:
    root = User.objects.create_superuser("root", "root@pergola.example")
    client = Client(headers={"host": "localhost"})
    client.force_login(root, BACKEND)

    client.post(
        "/admin/tenants/supportentry/",
        {"action": "end_now", "_selected_action": [str(SupportEntry.objects.get().pk)]},
    )

    assert inside_north.get("/orders/").status_code == 403
    assert in_chain(north)[-1] == ("support.ended", "root (platform)")


def test_somebody_who_is_no_admin_any_more_is_out(inside_north: Client, grace: User) -> None:
    User.objects.filter(pk=grace.pk).update(is_superuser=False)

    assert inside_north.get("/orders/").status_code == 403


def test_an_entry_opens_the_portal_to_no_session_of_its_own_admin(
    grace: User, north: Tenant
) -> None:
    """Only the link does: a session that was there before is nobody's."""
    make_entry(grace, north)
    client = Client(headers={"host": north.host})
    client.force_login(grace, BACKEND)

    assert client.get("/orders/").status_code == 403


def test_an_entry_is_of_one_admin(admin: Client, north: Tenant) -> None:
    other = User.objects.create_superuser("root", "root@pergola.example")
    make_entry(other, north)

    assert admin.get("/t/north/admin/orders/order/").status_code == 302
    assert portal_link(admin, north).endswith("/enter/")


def test_one_is_in_a_tenant_once(admin: Client, grace: User, north: Tenant) -> None:
    asks(admin, north)
    by = Actor(ActorKind.MEMBER, str(grace.pk), "Grace")

    with pytest.raises(support_access.AlreadyInside):
        support_access.enter_tenant(
            user=grace, tenant=north, reason=REASON, minutes=15, as_role="viewer", by=by
        )


def test_a_new_one_may_follow_one_that_expired(admin: Client, grace: User, north: Tenant) -> None:
    past = timezone.now() - timedelta(hours=2)
    make_entry(grace, north, started_at=past, expires_at=past + timedelta(minutes=15))

    assert asks(admin, north).status_code == 302
    assert [action for action, _by in in_chain(north)] == ["support.expired", "support.entered"]


def test_the_tenants_people_see_it(
    inside_north: Client, north: Tenant, south: Tenant, browser: Callable[..., Client]
) -> None:
    ada = browser(north)
    page = ada.get("/support-access/").content.decode()
    assert REASON in page
    told = unescape(ada.get("/orders/").content.decode())
    assert "Grace of the platform's support is in this workspace" in told
    assert REASON in ada.get("/support-access/?q=4711").content.decode()
    other = ada.get("/support-access/?q=4712", headers={"hx-request": "true"})
    assert REASON not in other.content.decode()

    sue = browser(south, name="sue")
    assert REASON not in sue.get("/support-access/").content.decode()
    assert "platform" not in sue.get("/orders/").content.decode()


def test_its_managers_get_a_mail_in_their_language(
    grace: User, north: Tenant, make_member: Callable[..., Member]
) -> None:
    make_member(north, role=Member.Role.VIEWER, name="vic")
    mia = make_member(north, role=Member.Role.MANAGER, name="mia")
    Member.objects.filter(pk=mia.pk).update(language="de", time_zone="Europe/Berlin")
    entry = make_entry(grace, north)

    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        assert mail_entered(entry.pk) == 1

    (message,) = mail.outbox
    assert message.to == ["mia@north.example"]
    assert "Grace" in message.body
    assert REASON in message.body
    assert "Plattform" in message.subject
    assert f"{north.portal_url}/support-access/" in message.body
