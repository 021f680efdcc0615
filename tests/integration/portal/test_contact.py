"""The form by which anybody writes: what it takes in, how often, and that it shows nothing."""

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from redis.exceptions import ConnectionError as RedisConnectionError

from controlplane.events.models import Event
from controlplane.portal.views import contact
from controlplane.support.models import Ticket
from tenants import lookup
from tenants.context import inside
from tenants.models import Member, Tenant

FORM = {
    "name": "Kaja Nowak",
    "email": "kaja@example.com",
    "subject": "Broken <b>lamp</b>",
    "message": "It flickers since Monday.",
    "website": "",
}


@pytest.fixture(autouse=True)
def _counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests sent is no message of this one's."""
    anew = replace(contact.ALL_MESSAGES, name=f"contact-{uuid.uuid4()}")
    monkeypatch.setattr(contact, "ALL_MESSAGES", anew)


@pytest.fixture
def stranger(north: Tenant) -> Client:
    return _somebody(north)


def _somebody(tenant: Tenant) -> Client:
    """From an address of their own: what is counted in Redis outlasts a test's rollback."""
    return Client(headers={"host": tenant.host}, REMOTE_ADDR=_address())


def _address() -> str:
    return str(ip_address(uuid.uuid4().int))


def test_a_message_becomes_a_ticket_with_a_number(north: Tenant, stranger: Client) -> None:
    form = stranger.get("/support/").content.decode()
    assert "Write to North" in form
    assert "Partner North" in form
    sent = stranger.post("/support/", FORM)
    assert sent.status_code == 302
    with inside(north):
        ticket = Ticket.objects.get()
        assert Event.objects.get(pk=ticket.event_id).type == "ticket.received"
    assert (ticket.subject, ticket.channel) == ("Broken <b>lamp</b>", "form")
    assert ticket.requester_email == "kaja@example.com"
    thanks = stranger.get(sent.headers["Location"]).content.decode()
    assert ticket.number in thanks
    assert "kaja@example.com" not in thanks


@pytest.mark.parametrize("checks", [False, True])
def test_a_form_brings_no_large_files_along(
    north: Tenant, monkeypatch: pytest.MonkeyPatch, checks: bool
) -> None:
    """Neither to the view nor to the look for the CSRF token, which reads the form first."""
    written: list[int] = []
    monkeypatch.setattr(
        "django.core.files.uploadhandler.TemporaryFileUploadHandler.receive_data_chunk",
        lambda _self, raw_data, _start: written.append(len(raw_data)),
    )
    client = Client(
        headers={"host": north.host}, REMOTE_ADDR=_address(), enforce_csrf_checks=checks
    )
    client.get("/support/")  # which gives a token to compare with
    file = SimpleUploadedFile("large.bin", bytes(8 * 1024 * 1024))

    answer = client.post("/support/", {**FORM, "file": file, "csrfmiddlewaretoken": "x"})

    assert answer.status_code in {400, 413}
    assert written == []


def test_numbers_cannot_be_asked_for(north: Tenant, south: Tenant, stranger: Client) -> None:
    address = stranger.post("/support/", FORM).headers["Location"]
    assert Client(headers={"host": south.host}).get(address).status_code == 404
    assert stranger.get(address.replace("1001", "1002")).status_code == 404
    assert stranger.get("/support/thanks/").status_code == 404


def test_what_is_at_fault_is_told_and_what_was_typed_is_kept(
    north: Tenant, stranger: Client
) -> None:
    answer = stranger.post("/support/", {**FORM, "email": "nowhere", "name": ""})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Nothing was sent yet" in page
    assert "It flickers since Monday." in page
    assert "Broken &lt;b&gt;lamp&lt;/b&gt;" in page
    with inside(north):
        assert not Ticket.objects.exists()


def test_a_robot_is_refused_and_a_person_may_send_again(north: Tenant, stranger: Client) -> None:
    answer = stranger.post("/support/", {**FORM, "website": "https://spam.example"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "has to stay empty" in page
    assert "spam.example" not in page
    assert "It flickers since Monday." in page
    with inside(north):
        assert not Ticket.objects.exists()


def test_too_many_messages_are_told_when_the_next_is_taken(
    north: Tenant, south: Tenant, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controlplane.portal.throttle.time.time", lambda: 1_700_000_000.0)
    assert [stranger.post("/support/", FORM).status_code for _ in range(5)] == [302] * 5
    late = stranger.post("/support/", FORM)
    assert late.status_code == 429
    assert int(late.headers["Retry-After"]) >= 1
    page = late.content.decode()
    assert re.search(r"From 10:20 p\.m\. on you can send it", page)
    assert "It flickers since Monday." in page
    with inside(north):
        assert Ticket.objects.count() == 5
    # Another address, another tenant, and the next window are counted for themselves.
    assert _somebody(north).post("/support/", FORM).status_code == 302
    same_address = Client(
        headers={"host": south.host}, REMOTE_ADDR=stranger.defaults["REMOTE_ADDR"]
    )
    assert same_address.post("/support/", FORM).status_code == 302
    monkeypatch.setattr("controlplane.portal.throttle.time.time", lambda: 1_700_000_600.0)
    assert stranger.post("/support/", FORM).status_code == 302


def test_from_many_addresses_only_so_many_messages_are_taken(
    north: Tenant, south: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controlplane.portal.throttle.time.time", lambda: 1_700_000_000.0)
    assert contact.ALL_MESSAGES.times == 60
    monkeypatch.setattr(contact, "ALL_MESSAGES", replace(contact.ALL_MESSAGES, times=7))
    # Refused for itself, an address takes no place of the others'.
    one = _somebody(north)
    assert [one.post("/support/", FORM).status_code for _ in range(8)] == [302] * 5 + [429] * 3

    assert [_somebody(north).post("/support/", FORM).status_code for _ in range(2)] == [302] * 2
    late = _somebody(north).post("/support/", FORM)

    assert late.status_code == 429
    assert int(late.headers["Retry-After"]) >= 1
    page = late.content.decode()
    assert "Very many messages come in at the moment" in page
    assert "From your connection" not in page
    assert "It flickers since Monday." in page
    with inside(north):
        assert Ticket.objects.count() == 7
    assert _somebody(south).post("/support/", FORM).status_code == 302
    monkeypatch.setattr("controlplane.portal.throttle.time.time", lambda: 1_700_000_600.0)
    assert _somebody(north).post("/support/", FORM).status_code == 302


@pytest.mark.parametrize(("behind_proxy", "last"), [(True, 302), (False, 429)])
def test_only_a_proxy_of_ours_may_say_who_calls(
    stranger: Client, monkeypatch: pytest.MonkeyPatch, behind_proxy: bool, last: int
) -> None:
    monkeypatch.setattr("controlplane.portal.throttle.time.time", lambda: 1_700_000_000.0)
    with override_settings(USE_X_FORWARDED=behind_proxy):
        for _ in range(6):
            stranger.defaults["HTTP_X_FORWARDED_FOR"] = f"203.0.113.1, {_address()}"
            answer = stranger.post("/support/", FORM)
    assert answer.status_code == last


def test_a_network_of_ipv6_counts_as_one_address(
    north: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controlplane.portal.throttle.time.time", lambda: 1_700_000_000.0)
    network = _address().rpartition(":")[0].split(":")[:4]
    for host in range(1, 7):
        address = f"{':'.join(network)}::{host:x}"
        client = Client(headers={"host": north.host}, REMOTE_ADDR=address)
        answer = client.post("/support/", FORM)
    assert answer.status_code == 429


def test_without_redis_a_message_is_taken_all_the_same(
    north: Tenant, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise RedisConnectionError("refused")

    monkeypatch.setattr("controlplane.portal.throttle.cache.add", down)
    assert stranger.post("/support/", FORM).status_code == 302
    with inside(north):
        assert Ticket.objects.count() == 1


def test_what_is_no_message_is_not_counted(north: Tenant, stranger: Client) -> None:
    for _ in range(8):
        assert stranger.post("/support/", {**FORM, "email": ""}).status_code == 422
    assert stranger.post("/support/", FORM).status_code == 302


def test_it_needs_its_own_token(north: Tenant) -> None:
    strict = Client(headers={"host": north.host}, enforce_csrf_checks=True)
    assert strict.post("/support/", FORM).status_code == 403
    token = re.search(
        r'name="csrfmiddlewaretoken" value="(\w+)"', strict.get("/support/").content.decode()
    )
    assert token is not None
    assert strict.post("/support/", {**FORM, "csrfmiddlewaretoken": token[1]}).status_code == 302


def test_it_speaks_the_tenants_language(north: Tenant, stranger: Client) -> None:
    Tenant.objects.filter(pk=north.pk).update(language="de")
    lookup.forget_tenants()
    page = stranger.get("/support/").content.decode()
    assert '<html lang="de">' in page
    assert "Schreiben Sie an North" in page
    sent = stranger.post("/support/", FORM)
    assert "Vielen Dank" in stranger.get(sent.headers["Location"]).content.decode()


def test_members_may_use_it_too(
    north: Tenant, south: Tenant, browser: Callable[..., Client], make_member: Callable[..., Member]
) -> None:
    """Also those of another tenant: here they are strangers like any other."""
    for client in (browser(north), browser(south, name="sue")):
        client.defaults["HTTP_HOST"] = north.host
        assert client.get("/support/").status_code == 200
        assert client.post("/support/", FORM).status_code == 302


def test_it_keeps_to_the_content_policy(stranger: Client) -> None:
    answer = stranger.get("/support/")
    page = answer.content.decode()
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert not re.search(r"<style|<script>|\sstyle=|\son\w+=|javascript:|hx-on", page)
    assert page.count("<h1") == 1


def test_the_platforms_own_host_has_no_such_form() -> None:
    assert Client(headers={"host": "localhost"}).get("/support/").status_code == 404
