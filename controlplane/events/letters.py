"""Kinds of sources for what comes as a file: an e-mail as it was sent, and any other file.

A mail server or a watched folder hands them over by `manage.py ingest`, another system by HTTP and
signed as Pergola signs: the door is the same.
"""

import base64
import email
import email.policy
import hashlib
import json
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote

from django.utils.translation import gettext_lazy as _

from controlplane.core.errors import DomainError
from controlplane.core.text import made_storable
from controlplane.events import signing
from controlplane.events.incoming import Incoming
from controlplane.events.kinds import SourceKind
from controlplane.events.models import Event, Source
from controlplane.events.types import FILE_RECEIVED, MAIL_RECEIVED
from controlplane.events.webhooks import event_of, receiver

FILENAME_HEADER = "Filename"
MAIL_TYPE = "message/rfc822"


class MailUnreadable(DomainError):
    code = "mail_unreadable"
    status = 422
    title = "The e-mail cannot be read"


def verify(source: Source, body: bytes, incoming: Incoming) -> None:
    """Raises SignatureInvalid."""
    for _piece in signing.signed_chunks(
        source, Incoming.of(body, incoming.headers), limit=len(body)
    ):
        pass


def read_mail(source: Source, body: bytes, incoming: Incoming) -> Event:
    """Sender, recipients, subject, text and attachments; numbered by its Message-ID.

    Raises MailUnreadable.
    """
    parsed = email.message_from_bytes(body, policy=email.policy.default)
    if not isinstance(parsed, EmailMessage) or not parsed.get("From"):
        raise MailUnreadable("An e-mail begins with its header; this has no “From:” in it.")
    subject = made_storable(str(parsed.get("Subject", "")))
    content: dict[str, Any] = {
        "from": _address(parsed, "From"),
        "to": made_storable(str(parsed.get("To", ""))),
        "date": made_storable(str(parsed.get("Date", ""))),
        "message_id": made_storable(str(parsed.get("Message-ID", ""))).strip(),
        "subject": subject,
        "text": _text(parsed),
        "attachments": [_attachment(part) for part in parsed.iter_attachments()],
    }
    return event_of(
        source,
        body,
        type=MAIL_RECEIVED,
        external_id=content["message_id"],
        subject=subject,
        is_test=incoming.is_test,
        text=json.dumps(content, ensure_ascii=False),
    )


def read_file(source: Source, body: bytes, incoming: Incoming) -> Event:
    """Its name and content: as text where it is UTF-8, else in base64."""
    name = made_storable(unquote(incoming.header(FILENAME_HEADER)))
    content: dict[str, Any] = {
        "filename": name,
        "content_type": made_storable(incoming.header("Content-Type")),
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        content["data_base64"] = base64.b64encode(body).decode()
    else:
        content["text"] = text
    return event_of(
        source,
        body,
        type=FILE_RECEIVED,
        external_id=signing.id_of(incoming),
        subject=name,
        is_test=incoming.is_test,
        text=json.dumps(content, ensure_ascii=False),
    )


def _address(parsed: EmailMessage, header: str) -> dict[str, str]:
    name, address = parseaddr(str(parsed.get(header, "")))
    return {"name": made_storable(name), "email": made_storable(address)}


def _text(parsed: EmailMessage) -> str:
    part = parsed.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        return made_storable(str(part.get_content()))
    except (LookupError, KeyError):  # a charset or a type that Python does not know
        raw = part.get_payload(decode=True)
        return made_storable(raw.decode("utf-8", "replace")) if isinstance(raw, bytes) else ""


def _attachment(part: Any) -> dict[str, Any]:
    raw = part.get_payload(decode=True)
    content = raw if isinstance(raw, bytes) else part.as_bytes()
    return {
        "filename": made_storable(part.get_filename() or ""),
        "content_type": part.get_content_type(),
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "data_base64": base64.b64encode(content).decode(),
    }


def _sample_mail(source: Source) -> Incoming:
    message = email.message.EmailMessage()
    message["From"], message["To"] = "Test Person <test@example.com>", "in@example.com"
    message["Subject"] = "A test from Pergola"
    message["Message-ID"] = email.utils.make_msgid(domain="example.com")
    message.set_content("Hello, this is a test.")
    return signing.signed_sample(source, message.as_bytes(), {"Content-Type": MAIL_TYPE})


def _sample_file(source: Source) -> Incoming:
    headers = {"Content-Type": "text/csv", FILENAME_HEADER: "sample.csv"}
    return signing.signed_sample(source, b"sku;quantity\nLAMP-1;2\n", headers)


KINDS = (
    SourceKind(
        "mail",
        _("E-mail"),
        _("Mails as a mail server hands them over, with their attachments"),
        receiver(verify, read_mail, is_text=False),
        example=signing.example(file="mail.eml", content_type=MAIL_TYPE),
        sample=_sample_mail,
        read=read_mail,
    ),
    SourceKind(
        "files",
        _("Files"),
        _("CSV, EDI and other files, sent one by one or dropped into a folder"),
        receiver(verify, read_file, is_text=False),
        example=signing.example(
            file="stock.csv", content_type="text/csv", headers={FILENAME_HEADER: "stock.csv"}
        ),
        sample=_sample_file,
        read=read_file,
    ),
)
