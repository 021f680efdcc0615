"""Coming in: by password, by link, by mail; and never saying more than it should."""

import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client
from sesame.utils import get_query_string

from tenants.models import Member, Tenant

MakeMember = Callable[..., Member]
PASSWORD = "correct horse battery"


@pytest.fixture
def stranger(north: Tenant) -> Client:
    return Client(headers={"host": north.host})


@pytest.mark.parametrize("name", ["ada-north", "ada@north.example", "ADA@NORTH.example"])
def test_log_in_by_name_or_address_and_go_on(
    north: Tenant, make_member: MakeMember, stranger: Client, name: str
) -> None:
    make_member(north)
    away = stranger.get("/sources/?q=x")
    assert away.headers["Location"] == "/accounts/login/?next=/sources/%3Fq%3Dx"
    form = {"login": name, "password": PASSWORD, "next": "/sources/?q=x"}
    assert stranger.post("/accounts/login/", form).headers["Location"] == "/sources/?q=x"
    assert stranger.get("/sources/").status_code == 200
    assert stranger.post("/accounts/logout/").status_code == 302
    assert stranger.get("/sources/").status_code == 302


def test_next_stays_on_this_host(north: Tenant, make_member: MakeMember, stranger: Client) -> None:
    member = make_member(north)
    form = {"login": "ada-north", "password": PASSWORD, "next": "https://evil.example/"}
    assert stranger.post("/accounts/login/", form).headers["Location"] == "/"
    member.user.refresh_from_db()
    link = f"/accounts/enter/{get_query_string(member.user)}&next=//evil.example/"
    assert Client(headers={"host": north.host}).get(link).headers["Location"] == "/"


def test_a_wrong_password_and_an_unknown_name_read_alike(
    north: Tenant, make_member: MakeMember, stranger: Client
) -> None:
    make_member(north)
    pages = [
        re.sub(
            r'value="[^"]*"',
            "",
            stranger.post(
                "/accounts/login/", {"login": name, "password": "wrong"}
            ).content.decode(),
        )
        for name in ("ada-north", "nobody")
    ]
    assert pages[0] == pages[1]
    assert "do not fit together" in pages[0]


def test_members_elsewhere_are_told_so(
    north: Tenant, south: Tenant, make_member: MakeMember
) -> None:
    make_member(north)
    client = Client(headers={"host": south.host})
    page = client.post("/accounts/login/", {"login": "ada-north", "password": PASSWORD})
    assert "you have no role at South" in page.content.decode()
    assert client.get("/sources/").status_code == 302


def test_a_link_works_once(north: Tenant, make_member: MakeMember, stranger: Client) -> None:
    link = f"/accounts/enter/{get_query_string(make_member(north).user)}&next=/orders/"
    assert stranger.get(link).headers["Location"] == "/orders/"
    assert stranger.get("/orders/").status_code == 200
    again = Client(headers={"host": north.host}).get(link)
    assert again.status_code == 403
    assert "works once" in again.content.decode()
    assert "next=/orders/" in again.content.decode()
    assert "You are logged in already" in stranger.get(link).content.decode()


def test_a_link_is_not_used_up_at_the_wrong_tenant(
    north: Tenant, south: Tenant, make_member: MakeMember, stranger: Client
) -> None:
    link = f"/accounts/enter/{get_query_string(make_member(north).user)}"
    assert Client(headers={"host": south.host}).get(link).status_code == 403
    assert stranger.get(link).status_code == 302


def test_password_reset_in_four_steps(
    north: Tenant, make_member: MakeMember, stranger: Client
) -> None:
    member = make_member(north)
    member.user.set_unusable_password()
    member.user.save()
    sent = stranger.post("/accounts/password/", {"email": "ADA@north.example"}, follow=True)
    assert "Check your e-mail" in sent.content.decode()
    [message] = mail.outbox
    assert message.subject == "Set your password for Partner North"
    assert "ada-north" in message.body
    path = re.search(rf"{re.escape(north.portal_url)}(/\S+)", message.body)[1]
    form = stranger.get(path, follow=True)
    assert "Choose a password" in form.content.decode()
    new = {"password1": "a newer horse 9", "password2": "a newer horse 9"}
    done = stranger.post(form.redirect_chain[-1][0], new, follow=True)
    assert "Your password is set" in done.content.decode()
    assert "does not work any more" in stranger.get(path, follow=True).content.decode()
    assert stranger.login(username="ada-north", password="a newer horse 9")


def test_a_reset_says_nothing_about_accounts(
    north: Tenant, south: Tenant, make_member: MakeMember, stranger: Client
) -> None:
    make_member(south)
    texts = {
        stranger.post("/accounts/password/", {"email": address}, follow=True).content
        for address in ("ada@south.example", "nobody@example.com")
    }
    assert len(texts) == 1
    assert mail.outbox == []


def test_a_part_whose_session_ended_sends_the_page_to_log_in(stranger: Client) -> None:
    headers = {
        "hx-request": "true",
        "hx-current-url": "http://north.localhost/approvals/?q=x",
    }
    answer = stranger.get("/accounts/login/?next=/approvals/count/", headers=headers)
    assert answer.headers["HX-Redirect"].startswith("/accounts/login/?next=")


def test_a_mailed_link_does_not_stand_in_the_log(
    north: Tenant, make_member: MakeMember, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever reads the log could set the password first."""
    paths: list[str] = []
    monkeypatch.setattr(
        "controlplane.api.middleware.log.info", lambda _event, *, path, **_: paths.append(path)
    )
    make_member(north)
    stranger.post("/accounts/password/", {"email": "ada@north.example"})
    path = re.search(rf"{re.escape(north.portal_url)}(/\S+)", mail.outbox[0].body)[1]
    stranger.get(path)
    token = path.split("/")[-2]
    assert token not in paths[-1]
    assert paths[-1] == path.replace(token, "…")
