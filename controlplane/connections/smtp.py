"""Mail by a tenant's own server: dialled as calls are, encrypted, and bounded."""

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from controlplane.connections.errors import AddressRefused, ConnectionUnreachable, TimeIsUp
from controlplane.connections.models import Connection
from controlplane.core.dialling import AddressForbidden, dial, is_private_host
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.redaction import redact
from tenants.context import current_tenant
from tenants.environments.marks import marked_subject

MOST_RECIPIENTS = 20


class MailInvalid(DomainError):
    code = "connection_mail_invalid"
    status = 422
    title = "The mail cannot be sent so"


def send_mail(connection: Connection, message: EmailMessage, *, seconds: float) -> None:
    """`message` is one of `message_of`. Raises OutsideError where the server does not take it."""
    with _session(connection, seconds=seconds) as server:
        refused = server.send_message(message)
    if refused:
        raise ConnectionUnreachable.of(
            connection, f"it took the mail, but not for {', '.join(refused)[:200]}", sent=True
        )


def check(connection: Connection, *, seconds: float) -> None:
    """Raises OutsideError where the server does not take the log-in."""
    with _session(connection, seconds=seconds) as server:
        server.noop()


def message_of(
    connection: Connection, *, to: Sequence[str], subject: str, text: str, reply_to: str
) -> EmailMessage:
    """From the connection's sender, with a Message-ID. Raises MailInvalid."""
    if not 0 < len(to) <= MOST_RECIPIENTS:
        raise _invalid("to", f"has 1 to {MOST_RECIPIENTS} addresses")
    for name, address in (*(("to", one) for one in to), ("reply_to", reply_to)):
        try:
            if address:
                validate_email(address)
        except ValidationError:
            raise _invalid(name, f"has {address[:80]!r}, which is no address") from None
    if not all(to):
        raise _invalid("to", "has an empty address")
    if not subject.isprintable() or len(subject) > 500:
        raise _invalid("subject", "is one line of at most 500 characters")
    sender = str(connection.options["sender"])
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = sender, ", ".join(to)
    message["Subject"] = marked_subject(subject, current_tenant())
    if reply_to:
        message["Reply-To"] = reply_to
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message.set_content(text)
    return message


def _invalid(field: str, what: str) -> MailInvalid:
    return MailInvalid(f"“{field}” {what}.", errors=(FieldError(field, what),))


class _Plain(smtplib.SMTP):
    def __init__(self, sock: socket.socket, *, timeout: float) -> None:
        self._given = sock
        super().__init__(timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        return self._given


@contextlib.contextmanager
def _session(connection: Connection, *, seconds: float) -> Iterator[smtplib.SMTP]:
    """Logged in. A server that answers a letter a second is cut off when the time is up."""
    values = connection.values
    sock = _dialled(connection, values, seconds)
    is_late = threading.Event()

    def cut_off() -> None:
        is_late.set()
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
    step = "letting in"
    try:
        sock.settimeout(seconds)
        with contextlib.closing(_let_in(sock, values, seconds)) as server:
            step = "sending"
            yield server
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
    except (smtplib.SMTPException, OSError) as error:
        if is_late.is_set():
            raise TimeIsUp.of(connection, seconds, sent=step == "sending") from error
        why = redact(f"{step}: {_told(error)}")[:300]
        raise ConnectionUnreachable.of(connection, why, sent=step == "sending") from error
    finally:
        timer.cancel()
        sock.close()


def _dialled(connection: Connection, values: dict[str, str], seconds: float) -> socket.socket:
    host, port, private = values["host"], int(values["port"]), settings.CONNECTION_PRIVATE_HOSTS
    if values["security"] == "none" and not is_private_host(host, port, private):
        raise AddressRefused.of(connection, "mail crosses the internet encrypted or not at all")
    try:
        return dial(host, port, timeout=min(5.0, seconds), private_hosts=private)
    except AddressForbidden as error:
        raise AddressRefused.of(connection, str(error)) from error
    except (OSError, UnicodeError) as error:
        raise ConnectionUnreachable.of(connection, str(error), sent=False) from error


def _let_in(sock: socket.socket, values: dict[str, str], seconds: float) -> smtplib.SMTP:
    host, context = values["host"], _trusting(values.get("authority", ""))
    if values["security"] == "tls":
        sock = context.wrap_socket(sock, server_hostname=host)
    server = _Plain(sock, timeout=seconds)
    try:
        server._host = host  # type: ignore[attr-defined]  # what STARTTLS compares names with
        code, greeting = server.connect(host, int(values["port"]))
        if code != 220:
            raise smtplib.SMTPConnectError(code, greeting)
        if values["security"] == "starttls":
            server.starttls(context=context)
        if values.get("username"):
            server.login(values["username"], values.get("password", ""))
    except BaseException:
        server.close()
        raise
    return server


def _trusting(authorities: str) -> ssl.SSLContext:
    """Not the one of HTTP, which says so in its greeting: mail servers may hang up on it."""
    context = ssl.create_default_context()
    if authorities:
        context.load_verify_locations(cadata=authorities)
    return context


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", errors="replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {text}"
    return str(error) or type(error).__name__
