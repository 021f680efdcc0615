"""Second factors: setting one up, being asked for it, losing it, and who must have one."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import clear_script_prefix, reverse
from sesame.utils import get_query_string

from controlplane.audit.models import Entry
from tenants.models import Member, Partner, SecurityEvent, Tenant
from tenants.security import factors
from tests.factories.support_access import make_entry

PASSWORD = "correct horse battery"
MakeMember = Callable[..., Member]


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time() // 30)))


@pytest.fixture
def lena(north: Tenant, make_member: MakeMember) -> Member:
    return make_member(north, name="lena")


def log_in(tenant: Tenant, login: str = "lena-north", **more: str) -> tuple[Client, Any]:
    client = Client(headers={"host": tenant.host})
    form = {"login": login, "password": PASSWORD, **more}
    return client, client.post("/accounts/login/", form)


def set_up(client: Client) -> tuple[str, list[str]]:
    """The app's secret, and the recovery codes."""
    page = client.get("/accounts/security/app/add/").content.decode()
    secret = re.search(r'data-testid="totp-secret">(\w+)<', page)[1]
    done = client.post("/accounts/security/app/add/", {"code": code_of(secret)})
    assert done.headers["Location"] == "/accounts/security/recovery/"
    codes = re.findall(
        r"<li>(\d+)</li>", client.get("/accounts/security/recovery/").content.decode()
    )
    cache.clear()  # a code is good once, also for the log-in that follows at once
    return secret, codes


def test_an_app_is_set_up_and_asked_for(north: Tenant, lena: Member) -> None:
    client, _answer = log_in(north)
    secret, codes = set_up(client)
    assert len(codes) == 10
    again = client.get("/accounts/security/recovery/").content.decode()
    assert not re.search(r"<li>\d+</li>", again)

    other, asked = log_in(north, next="/sources/")
    assert asked.headers["Location"] == "/accounts/login/factor/"
    assert other.get("/orders/").status_code == 302, "the password alone opens nothing"
    wrong = other.post("/accounts/login/factor/", {"code": "000000"})
    assert "wrong, or too old" in wrong.content.decode()
    right = other.post("/accounts/login/factor/", {"code": code_of(secret)})
    assert right.headers["Location"] == "/sources/"
    assert other.get("/orders/").status_code == 200
    (event,) = SecurityEvent.objects.filter(kind="failed_factor")
    assert (event.user, event.tenant) == (lena.user, north)


def test_a_recovery_code_lets_in_once(north: Tenant, lena: Member) -> None:
    client, _answer = log_in(north)
    _secret, codes = set_up(client)

    outcomes = []
    for _try in range(2):
        other, _asked = log_in(north)
        answer = other.post("/accounts/login/factor/", {"code": codes[0]})
        outcomes.append(answer.status_code)

    assert outcomes == [302, 200]


def test_the_secrets_do_not_lie_open_in_the_database(north: Tenant, lena: Member) -> None:
    client, _answer = log_in(north)
    secret, codes = set_up(client)

    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code in stored for code in codes)


def test_a_link_is_no_way_around(north: Tenant, lena: Member) -> None:
    client, _answer = log_in(north)
    set_up(client)
    lena.user.refresh_from_db()

    by_link = Client(headers={"host": north.host})
    answer = by_link.get(f"/accounts/enter/{get_query_string(lena.user)}&next=/orders/")

    assert answer.headers["Location"] == "/accounts/login/factor/"
    assert by_link.get("/orders/").status_code == 302


def test_who_is_long_logged_in_shows_again_that_it_is_them(
    north: Tenant, browser: Callable[..., Client], lena: Member
) -> None:
    client = browser(north, lena)

    asked = client.get("/accounts/security/app/add/")
    assert asked.headers["Location"].startswith("/accounts/security/again/")
    again = asked.headers["Location"]
    assert "not your password" in client.post(again, {"password": "wrong"}).content.decode()
    assert client.post(again, {"password": PASSWORD}).status_code == 302
    assert client.get("/accounts/security/app/add/").status_code == 200


def test_a_partner_s_member_sets_one_up_before_going_on(
    north: Tenant, make_member: MakeMember
) -> None:
    partner = north.lead_partner
    Partner.objects.filter(pk=partner.pk).update(requires_mfa=True)
    user = User.objects.create_user("pat", "pat@partner.example", PASSWORD)
    Member.objects.create(user=user, partner=partner, role="manager")
    make_member(north, name="lena")

    client, _answer = log_in(north, "pat")
    sent = client.get("/orders/")
    assert sent.headers["Location"] == factors.SET_UP == reverse("mfa_index")
    assert "A second factor is needed" in client.get(factors.SET_UP).content.decode()
    api = client.get("/api/v1/approvals")
    assert (api.status_code, api.json()["code"]) == (403, "second_factor_missing")
    set_up(client)
    assert client.get("/orders/").status_code == 200
    page = client.post("/accounts/security/app/remove/").content.decode()
    assert "asks for a second factor" in page
    assert Authenticator.objects.filter(type="totp").exists()

    own, _answer = log_in(north)
    assert own.get("/orders/").status_code == 200, "the tenant's own members are asked by nobody"


def test_a_factor_that_nobody_asks_for_can_go(north: Tenant, lena: Member) -> None:
    client, _answer = log_in(north)
    set_up(client)

    assert client.post("/accounts/security/app/remove/").status_code == 302
    assert not Authenticator.objects.exists()


@override_settings(ADMIN_REQUIRES_MFA=True)
def test_the_admin_stays_shut_without_one(north: Tenant) -> None:
    make_entry(User.objects.create_superuser("root", "root@example.com", PASSWORD), north)
    client = Client(headers={"host": "localhost"})
    turned = client.get("/admin/login/?next=/admin/tenants/tenant/")
    assert turned.headers["Location"] == "/accounts/login/?next=%2Fadmin%2Ftenants%2Ftenant%2F"
    answer = client.post(turned.headers["Location"], {"login": "root", "password": PASSWORD})
    assert answer.status_code == 302

    for page in ("/admin/", "/t/north/admin/orders/order/"):
        assert client.get(page).headers["Location"] == factors.SET_UP
    clear_script_prefix()  # a real server sets it for every request
    set_up(client)
    for page in ("/admin/", "/t/north/admin/orders/order/"):
        assert client.get(page).status_code == 200


def test_only_admins_log_in_on_the_platforms_host(north: Tenant, lena: Member) -> None:
    client = Client(headers={"host": "localhost"})

    page = client.post("/accounts/login/", {"login": "lena-north", "password": PASSWORD})

    assert "no role on the platform" in page.content.decode()
    assert client.get("/accounts/security/").status_code == 302


def test_a_session_elsewhere_can_be_ended(
    north: Tenant, lena: Member, make_member: MakeMember
) -> None:
    here, _answer = log_in(north)
    there, _answer = log_in(north)
    make_member(north, name="other")
    stranger, _answer = log_in(north, "other-north")
    assert there.get("/orders/").status_code == 200
    newest = UserSession.objects.filter(user=lena.user).latest("pk")
    end = f"/accounts/security/sessions/{newest.pk}/end/"
    assert "End this session" in here.get("/accounts/security/").content.decode()

    assert stranger.post(end).status_code == 404
    assert there.get("/orders/").status_code == 200
    assert here.post(end).status_code == 302
    assert there.get("/orders/").status_code == 302
    assert here.get("/orders/").status_code == 200


def test_a_changed_password_ends_the_other_sessions(north: Tenant, lena: Member) -> None:
    here, _answer = log_in(north)
    there, _answer = log_in(north)
    form = {
        "oldpassword": PASSWORD,
        "password1": "a newer horse 9",
        "password2": "a newer horse 9",
    }

    assert here.post("/accounts/security/password/", form).status_code == 302

    assert here.get("/orders/").status_code == 200
    assert there.get("/orders/").status_code == 302


def test_the_page_is_for_members_of_the_host(
    north: Tenant, south: Tenant, browser: Callable[..., Client]
) -> None:
    client = browser(north)
    client.defaults["HTTP_HOST"] = south.host

    assert client.get("/accounts/security/").status_code == 403


def test_an_admin_lets_in_who_lost_every_factor(north: Tenant, lena: Member) -> None:
    client, _answer = log_in(north)
    set_up(client)
    root = User.objects.create_superuser("root", "root@example.com", PASSWORD)
    admin = Client(headers={"host": "localhost"})
    admin.force_login(root, "django.contrib.auth.backends.ModelBackend")
    chosen = {"action": "reset_second_factors", "_selected_action": [lena.user.pk]}

    assert admin.post("/admin/auth/user/", chosen).status_code == 302

    assert not Authenticator.objects.filter(user=lena.user).exists()
    assert client.get("/orders/").status_code == 302, "the sessions ended"
    again, _answer = log_in(north)
    assert again.get("/orders/").status_code == 200
    entry = Entry.objects.get(action="person.factors_reset")
    assert entry.actor_label == "root (platform)"
    assert entry.data == {"types": ["recovery_codes", "totp"]}
