"""SFTP to a tenant's server: dialled as calls are, known by its fingerprint, and bounded."""

import asyncio
import contextlib
import posixpath
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import asyncssh
from django.conf import settings

from controlplane.connections.errors import AddressRefused, ConnectionUnreachable, TimeIsUp
from controlplane.connections.models import Connection
from controlplane.core.dialling import AddressForbidden, dial
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.models import new_id
from controlplane.core.redaction import redact

MOST_LISTED = 1000
_Found = TypeVar("_Found")


class NameInvalid(DomainError):
    code = "connection_file_name_invalid"
    status = 422
    title = "The file cannot be called so"


class FileThere(DomainError):
    code = "connection_file_exists"
    status = 409
    title = "The file is there already"


@dataclass(frozen=True)
class RemoteFile:
    """`size` in bytes; `modified_at` is aware, None where the server does not tell."""

    name: str
    size: int
    modified_at: datetime | None


def put_file(
    connection: Connection, *, path: str, content: bytes, overwrite: bool, seconds: float
) -> None:
    """Written under a name of its own first, so that nobody reads half of it. `path` is one of
    `path_of`. Raises FileThere and OutsideError.
    """

    async def put(sftp: asyncssh.SFTPClient) -> None:
        if not overwrite and await sftp.exists(path):
            raise FileThere(
                f"“{connection.name}” has {path} already. Choose another name, or allow it to be "
                "overwritten.",
                errors=(FieldError("name", "is taken"),),
            )
        draft = posixpath.join(posixpath.dirname(path), f".pergola-{new_id()}.part")
        try:
            async with sftp.open(draft, "wb") as file:
                await file.write(content)
            try:
                await sftp.posix_rename(draft, path)
            except asyncssh.SFTPOpUnsupported:
                with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                    await sftp.remove(path)
                await sftp.rename(draft, path)
        except BaseException:
            with contextlib.suppress(asyncssh.Error, OSError):
                await sftp.remove(draft)
            raise

    _with_client(connection, put, seconds=seconds)


def list_files(connection: Connection, *, path: str, seconds: float) -> list[RemoteFile]:
    """Files alone, at most a thousand, by name. Raises OutsideError."""

    async def listed(sftp: asyncssh.SFTPClient) -> list[RemoteFile]:
        found = []
        async for entry in sftp.scandir(path):
            if entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR:
                found.append(_remote(entry))
            if len(found) == MOST_LISTED:
                break
        return sorted(found, key=lambda one: one.name)

    return _with_client(connection, listed, seconds=seconds)


def check(connection: Connection, *, seconds: float) -> None:
    """Raises OutsideError where the server does not let us in, or the folder is not there."""
    list_files(connection, path=folder_of(connection), seconds=seconds)


def _remote(entry: asyncssh.SFTPName) -> RemoteFile:
    name = entry.filename
    text = name if isinstance(name, str) else name.decode("utf-8", errors="replace")
    modified = entry.attrs.mtime
    return RemoteFile(
        text,
        entry.attrs.size or 0,
        datetime.fromtimestamp(modified, UTC) if modified is not None else None,
    )


def folder_of(connection: Connection) -> str:
    return str(connection.options.get("folder", "")).rstrip("/") or "."


def path_of(connection: Connection, name: str) -> str:
    """Below the connection's folder, whatever the name says. Raises NameInvalid."""
    steps = name.split("/")
    if (
        not name.isprintable()
        or "\\" in name
        or len(name) > 255
        or any(step.strip() in {"", ".", ".."} for step in steps)
    ):
        raise NameInvalid(
            f"{name[:80]!r} is no name of a file. Write one such as orders.csv or out/orders.csv, "
            "below the connection's folder.",
            errors=(FieldError("name", "leads elsewhere"),),
        )
    return posixpath.normpath(posixpath.join(folder_of(connection), *steps))


class _Client(asyncssh.SSHClient):
    """Takes the server whose fingerprint is known, and remembers what another one showed."""

    def __init__(self, known: str) -> None:
        self.known, self.shown = known, ""

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        self.shown = key.get_fingerprint()
        return bool(self.known) and self.shown == self.known


def _with_client(
    connection: Connection,
    work: Callable[[asyncssh.SFTPClient], Awaitable[_Found]],
    *,
    seconds: float,
) -> _Found:
    values, deadline = connection.values, time.monotonic() + seconds
    client = _Client(values.get("host_key", ""))
    try:
        sock = dial(
            values["host"],
            int(values["port"]),
            timeout=min(5.0, seconds),
            private_hosts=settings.CONNECTION_PRIVATE_HOSTS,
        )
    except AddressForbidden as error:
        raise AddressRefused.of(connection, str(error)) from error
    except OSError as error:
        raise ConnectionUnreachable.of(connection, str(error), sent=False) from error

    async def run() -> _Found:
        async with (
            asyncssh.connect(
                values["host"],
                sock=sock,
                client_factory=lambda: client,
                known_hosts=([], [], []),
                username=values["username"],
                password=values.get("password"),
                client_keys=_keys(connection, values),
                # Nothing of the machine's own: no settings, keys, agents or tickets.
                config=None,
                agent_path=None,
                gss_host=None,
                login_timeout=max(1.0, deadline - time.monotonic()),
            ) as ssh,
            ssh.start_sftp_client() as sftp,
        ):
            return await work(sftp)

    try:
        return asyncio.run(asyncio.wait_for(run(), deadline - time.monotonic()))
    except asyncssh.HostKeyNotVerifiable as error:
        raise ConnectionUnreachable.of(connection, _other_server(client), sent=False) from error
    except TimeoutError as error:
        raise TimeIsUp.of(connection, seconds, sent=True) from error
    except (asyncssh.Error, OSError) as error:
        why = redact(str(error) or type(error).__name__)[:300]
        raise ConnectionUnreachable.of(connection, why, sent=True) from error
    finally:
        sock.close()


def _keys(connection: Connection, values: dict[str, str]) -> list[asyncssh.SSHKey] | None:
    if not values.get("private_key"):
        return None
    try:
        return [asyncssh.import_private_key(values["private_key"])]
    except (asyncssh.KeyImportError, ValueError) as error:
        raise ConnectionUnreachable.of(
            connection, "its private key cannot be read, or has a passphrase", sent=False
        ) from error


def _other_server(client: _Client) -> str:
    if not client.known:
        return (
            f"the server shows the fingerprint {client.shown}, and none is stored. Compare it "
            "with what the server's operator says, then store it with the connection"
        )
    return (
        f"the server shows the fingerprint {client.shown} and not the stored one: it has a new "
        "key, or somebody stands in between. Ask the server's operator before it is stored"
    )
