"""Files put on, and listed from, a tenant's SFTP server; mail by its own mail server."""

from collections.abc import Sequence

from controlplane.connections import noting, sftp, smtp
from controlplane.connections.broker import SECONDS
from controlplane.connections.kinds import kind_named
from controlplane.connections.models import Connection
from controlplane.connections.services.calling import assert_usable, told, turn
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError

MOST_BYTES = 10 * 1024 * 1024


class ContentTooLarge(DomainError):
    code = "connection_file_too_large"
    status = 413
    title = "The file is too large"


class ContentMalformed(DomainError):
    code = "connection_content_malformed"
    status = 422
    title = "The file's content cannot be read"


def put_file(
    *, connection: Connection, name: str, content: bytes, overwrite: bool, by: Actor
) -> str:
    """The path on the server. Raises ConnectionPaused, ProtocolOther, ContentTooLarge,
    NameInvalid, FileThere, ConnectionBusy and OutsideError.
    """
    assert_usable(connection, "sftp")
    if len(content) > MOST_BYTES:
        raise ContentTooLarge(
            f"The file has {len(content)} bytes, and at most {MOST_BYTES} are put at once.",
            errors=(FieldError("content", "is too large"),),
        )
    path = sftp.path_of(connection, name)
    what = {"method": "put", "file": path[:200], "bytes": len(content)}
    with turn(), told(connection, what=what, reads=False, by=by):
        sftp.put_file(connection, path=path, content=content, overwrite=overwrite, seconds=SECONDS)
    noting.note_works(connection)
    return path


def list_files(*, connection: Connection, folder: str, by: Actor) -> list[sftp.RemoteFile]:
    """Raises ConnectionPaused, ProtocolOther, NameInvalid, ConnectionBusy and OutsideError."""
    assert_usable(connection, "sftp")
    path = sftp.path_of(connection, folder) if folder else sftp.folder_of(connection)
    what = {"method": "list", "file": path[:200]}
    with turn(), told(connection, what=what, reads=True, by=by):
        found = sftp.list_files(connection, path=path, seconds=SECONDS)
    noting.note_works(connection)
    return found


def send_mail(
    *,
    connection: Connection,
    to: Sequence[str],
    subject: str,
    text: str,
    reply_to: str,
    by: Actor,
) -> str:
    """The mail's Message-ID. Raises ConnectionPaused, ProtocolOther, MailInvalid, ConnectionBusy
    and OutsideError.
    """
    assert_usable(connection, "smtp")
    message = smtp.message_of(connection, to=to, subject=subject, text=text, reply_to=reply_to)
    what = {"method": "mail", "recipients": len(to)}
    with turn(), told(connection, what=what, reads=False, by=by):
        if not kind_named(connection.kind).is_stand_in:
            smtp.send_mail(connection, message, seconds=SECONDS)
    noting.note_works(connection)
    return str(message["Message-ID"])
