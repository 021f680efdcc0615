"""Files to a tenant's SFTP server, and mail by its own mail server."""

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from controlplane.audit.models import Entry
from controlplane.connections import services, sftp, smtp
from controlplane.connections.errors import AddressRefused, ConnectionUnreachable, TimeIsUp
from controlplane.connections.models import Connection
from controlplane.connections.services import files
from controlplane.connections.smtp import MailInvalid
from tests.fakes.sftp import FakeSftp, running_sftp
from tests.fakes.smtp import FakeSmtp, running_smtp
from tests.integration.connections.conftest import BY, Make


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[FakeSftp]:
    root = tmp_path / "root"
    (root / "drop").mkdir(parents=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(tmp_path / "key"))
    key.write_public_key(str(tmp_path / "key.pub"))
    with running_sftp(root, tmp_path / "key.pub") as fake:
        settings.CONNECTION_PRIVATE_HOSTS = ["127.0.0.1"]
        yield fake


@pytest.fixture
def drop(make: Make, server: FakeSftp) -> Connection:
    return make("sftp", name="Drop", values=_values(server))


def _values(server: FakeSftp, **given: str) -> dict[str, str]:
    return {
        "host": "127.0.0.1", "port": str(server.port), "username": "ada",
        "password": "word-of-ada", "host_key": server.fingerprint, "folder": "drop", **given,
    }  # fmt: skip


def _put(connection: Connection, name: str, content: bytes = b"a;b\n", **given: Any) -> str:
    return services.put_file(
        connection=connection, name=name, content=content, by=BY, **{"overwrite": True, **given}
    )


def test_a_file_is_put_whole_and_listed(drop: Connection, server: FakeSftp) -> None:
    assert _put(drop, "orders.csv") == "drop/orders.csv"
    _put(drop, "orders.csv", b"later")
    assert (server.root / "drop" / "orders.csv").read_bytes() == b"later"
    found = services.list_files(connection=drop, folder="", by=BY)
    assert [(one.name, one.size) for one in found] == [("orders.csv", 5)]
    with pytest.raises(sftp.FileThere):
        _put(drop, "orders.csv", overwrite=False)
    assert [path.name for path in (server.root / "drop").iterdir()] == ["orders.csv"]
    told = [e.data for e in Entry.objects.filter(action="connection.used").order_by("sequence")]
    assert [(one["method"], one["outcome"]) for one in told] == [
        ("put", "done"), ("put", "done"), ("put", "connection_file_exists"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/passwd", "a//b", "..", ".", "a\\b", "a\nb", "a\0", " /a"]
)
def test_no_name_leads_out_of_the_folder(name: str, drop: Connection, server: FakeSftp) -> None:
    with pytest.raises(sftp.NameInvalid):
        _put(drop, name)
    with pytest.raises(sftp.NameInvalid):
        services.list_files(connection=drop, folder=name, by=BY)
    assert [path.name for path in server.root.rglob("*")] == ["drop"]


def test_another_server_gets_no_password(
    make: Make, server: FakeSftp, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("tests.fakes.sftp._Server.begin_auth", lambda *_: asked.append("") or True)
    unknown = make("sftp", name="New", values=_values(server, host_key=""))
    with pytest.raises(ConnectionUnreachable, match=r"none is stored") as caught:
        _put(unknown, "a")
    assert server.fingerprint in caught.value.detail
    other = make("sftp", name="Other", values=_values(server, host_key="SHA256:" + "A" * 43))
    with pytest.raises(ConnectionUnreachable, match="not the stored one"):
        _put(other, "a")
    assert asked == []


def test_a_key_lets_in_and_a_wrong_password_does_not(
    make: Make, server: FakeSftp, tmp_path: Path
) -> None:
    key = (tmp_path / "key").read_text()
    by_key = make("sftp", name="Key", values=_values(server, password="", private_key=key))
    assert services.check_connection(connection=by_key, by=BY).last_error == ""
    wrong = make("sftp", name="Wrong", values=_values(server, password="not-the-word"))
    checked = services.check_connection(connection=wrong, by=BY)
    assert checked.status == "failing"
    assert "not-the-word" not in checked.last_error
    broken = make("sftp", name="Broken", values=_values(server, private_key="no key"))
    assert "cannot be read" in services.check_connection(connection=broken, by=BY).last_error


def test_a_folder_that_is_not_there_and_a_file_too_large(
    make: Make, server: FakeSftp, drop: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = make("sftp", name="Elsewhere", values=_values(server, folder="nowhere"))
    with pytest.raises(ConnectionUnreachable):
        _put(elsewhere, "a")
    monkeypatch.setattr(files, "MOST_BYTES", 3)
    with pytest.raises(services.ContentTooLarge):
        _put(drop, "a")


def test_an_operation_of_another_kind_is_refused(make: Make, drop: Connection) -> None:
    with pytest.raises(services.ProtocolOther):
        services.call(connection=drop, method="GET", path="/", by=BY)
    with pytest.raises(services.ProtocolOther):
        _put(make(), "a")


@pytest.fixture
def post(settings: Any) -> Iterator[FakeSmtp]:
    with running_smtp() as fake:
        settings.CONNECTION_PRIVATE_HOSTS = ["127.0.0.1"]
        yield fake


@pytest.fixture
def mailer(make: Make, post: FakeSmtp) -> Connection:
    return make("smtp", name="Mail", values=_mail_values(post))


def _mail_values(post: FakeSmtp, **given: str) -> dict[str, str]:
    return {
        "host": "127.0.0.1", "port": str(post.port), "security": "none", "username": "ada",
        "password": "word-of-ada", "sender": "orders@north.example", **given,
    }  # fmt: skip


def _send(connection: Connection, **given: Any) -> str:
    return services.send_mail(
        connection=connection,
        by=BY,
        **{
            "to": ["bo@south.example"], "subject": "Grüße", "text": "Hello\n.\nBo", "reply_to": "",
            **given,
        },
    )  # fmt: skip


def test_a_mail_is_sent_from_the_tenants_address(mailer: Connection, post: FakeSmtp) -> None:
    message_id = _send(mailer, to=["bo@south.example", "cy@south.example"], reply_to="a@b.example")
    mail = email.message_from_string(post.mails[0], policy=email.policy.default)
    assert post.recipients == ["bo@south.example", "cy@south.example"]
    assert (mail["From"], mail["Subject"]) == ("orders@north.example", "Grüße")
    assert (mail["Reply-To"], mail["Message-ID"]) == ("a@b.example", message_id)
    told = Entry.objects.get(action="connection.used").data
    assert told["recipients"] == 2
    assert "south.example" not in str(told)


@pytest.mark.parametrize(
    "given",
    [
        {"subject": "Hello\r\nBcc: all@south.example"}, {"to": ["bo@south.example\nBcc: a@b.c"]},
        {"to": []}, {"to": ["a@b.example"] * 21}, {"to": ["bo"]}, {"reply_to": "a@b\r\nX: 1"},
        {"to": ["a@b.example", ""]},
    ],
)  # fmt: skip
def test_no_header_is_smuggled_into_a_mail(
    given: dict[str, Any], mailer: Connection, post: FakeSmtp
) -> None:
    with pytest.raises(MailInvalid):
        _send(mailer, **given)
    assert post.recipients == []


def test_a_wrong_password_and_a_server_that_drips(
    make: Make, post: FakeSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = make("smtp", name="Wrong", values=_mail_values(post, password="not-the-word"))
    assert "535" in services.check_connection(connection=wrong, by=BY).last_error
    good = make("smtp", name="Good", values=_mail_values(post))
    assert services.check_connection(connection=good, by=BY).status == "ok"
    post.is_dripping = True
    with pytest.raises(TimeIsUp):
        smtp.check(good, seconds=0.5)


def test_without_encryption_mail_stays_inside(
    make: Make, post: FakeSmtp, settings: Any, mailer: Connection
) -> None:
    settings.CONNECTION_PRIVATE_HOSTS = []
    with pytest.raises(AddressRefused, match="encrypted"):
        _send(mailer)
    settings.CONNECTION_PRIVATE_HOSTS = ["127.0.0.1"]
    stripped = make("smtp", name="Stripped", values=_mail_values(post, security="starttls"))
    with pytest.raises(ConnectionUnreachable):
        _send(stripped)
    assert post.mails == []
