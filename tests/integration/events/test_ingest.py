"""Mails and files by the same door: from a mail server, out of a folder, or sent."""

import io
import json
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from controlplane.events.ingest import ingest_bytes, ingest_folder
from controlplane.events.kinds import KindUnknown
from controlplane.events.models import Event, ExceptionCase
from tenants.models import Tenant
from tests.factories.events import make_source


def mail(text: str = "Hello", message_id: str = "<1@example.com>") -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Kaja Nowak <kaja@example.com>", "in@example.com"
    message["Subject"], message["Message-ID"] = "Where is my lamp?", message_id
    message.set_content(text)
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="a.pdf")
    return message.as_bytes()


def test_a_mail_is_an_event_numbered_by_its_message_id(tenant: Tenant) -> None:
    source = make_source("post", kind="mail")

    received = ingest_bytes(source=source, body=mail())
    again = ingest_bytes(source=source, body=mail())

    event = received.event
    assert (event.type, event.external_id, event.subject) == (
        "mail.received", "<1@example.com>", "Where is my lamp?",
    )  # fmt: skip
    body = json.loads(event.body)
    assert body["from"] == {"name": "Kaja Nowak", "email": "kaja@example.com"}
    assert body["text"].strip() == "Hello"
    assert [one["filename"] for one in body["attachments"]] == ["a.pdf"]
    assert again.is_duplicate


def test_what_is_no_mail_is_refused_and_kept(tenant: Tenant) -> None:
    source = make_source("post", kind="mail")

    with pytest.raises(Exception, match="From:"):
        ingest_bytes(source=source, body=b"\xff\x00 no mail")
    assert ExceptionCase.objects.get().type == "parse"


def test_a_folder_is_emptied_into_done_and_refused(tenant: Tenant, tmp_path: Path) -> None:
    source = make_source("drop", kind="files")
    (tmp_path / "stock.csv").write_bytes(b"sku;quantity\nLAMP-1;2\n")
    (tmp_path / "picture.bin").write_bytes(b"\xff\x00")
    (tmp_path / "later.csv.part").write_bytes(b"half")

    taken = list(ingest_folder(source=source, folder=tmp_path))

    assert all(one.received for one in taken)
    assert {path.name for path in (tmp_path / "done").iterdir()} == {"stock.csv", "picture.bin"}
    assert (tmp_path / "later.csv.part").exists()
    bodies = {event.subject: json.loads(event.body) for event in Event.objects.all()}
    assert bodies["stock.csv"]["text"].startswith("sku;")
    assert bodies["picture.bin"]["data_base64"] == "/wA="
    assert list(ingest_folder(source=source, folder=tmp_path)) == []


def test_a_file_that_is_refused_says_why(tenant: Tenant, tmp_path: Path) -> None:
    source = make_source("post", kind="mail")
    (tmp_path / "x.eml").write_bytes(b"nothing")

    (taken,) = ingest_folder(source=source, folder=tmp_path)

    assert "From:" in taken.refusal
    assert "mail_unreadable" in (tmp_path / "refused" / "x.eml.reason.txt").read_text()


def test_a_shop_takes_no_files(tenant: Tenant) -> None:
    with pytest.raises(KindUnknown, match="takes no files"):
        ingest_bytes(source=make_source("shop"), body=b"{}")


def test_the_command_takes_standard_input(
    yard: Tenant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tenants.context import inside

    with inside(yard):
        make_source("post", kind="mail")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(mail())))

    call_command("ingest", "yard", "post")

    with inside(yard):
        assert str(Event.objects.get().pk) in capsys.readouterr().out
    with pytest.raises(CommandError, match="no active source"):
        call_command("ingest", "yard", "nowhere", "x")
