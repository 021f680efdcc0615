"""Node operations on connections: what a workflow does with outside systems, without secrets."""

import base64
import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from controlplane.connections import allowed, errors, services, sftp, smtp
from controlplane.connections.kinds.suites import CallMalformed, LoginRefused
from controlplane.connections.models import Connection
from controlplane.core.actor import Actor
from controlplane.core.errors import FieldError
from controlplane.nodes.declaration import (
    OperationFile,
    OperationInput,
    OperationOutput,
    operation,
)
from tenants.files import FileTooLarge

_USE = "connections:use"
_OUTSIDE = (
    services.ConnectionUnknown, services.ConnectionPaused, services.ProtocolOther,
    services.ConnectionBusy, services.SecretsUnreadable, errors.AddressRefused,
    errors.ConnectionUnreachable, errors.TimeIsUp,
)  # fmt: skip
Text = Annotated[str, StringConstraints(strip_whitespace=False)]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def _connection() -> Any:
    return Field(
        description="The connection's name or ID, from List",
        min_length=1,
        max_length=80,
        json_schema_extra={"n8n": {"choices": "connections"}},
    )


class SystemRequestInput(OperationInput):
    connection: str = _connection()
    method: Method = Field(
        default="GET",
        description="What is to be done",
        json_schema_extra={"n8n": {"shown": True}},
    )
    path: str = Field(
        description="What follows the connection's address, such as /orders/17",
        min_length=1,
        max_length=allowed.MAX_LENGTH,
        json_schema_extra={"n8n": {"default": "/"}},
    )
    query: dict[str, str] = Field(
        default_factory=dict, description="Parameters of the address, as a JSON object"
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Further headers, as a JSON object; those that let the call in are there",
    )
    body: dict[str, JsonValue] | None = Field(
        default=None,
        description="What is sent as JSON, an object; an empty one only where something is written",
        json_schema_extra={"n8n": {"shown": True}},
    )
    text: Text = Field(
        default="",
        description="What is sent instead as it is, such as XML or a JSON array",
        max_length=2_000_000,
        json_schema_extra={"n8n": {"multiline": True}},
    )
    content_type: str = Field(
        default="application/json", description="What the text is", max_length=100
    )
    idempotency_key: str = Field(
        default="",
        description="Sent as Idempotency-Key, so that a call that changes something may be made "
        "again where the way fails; only for systems that know the header",
        max_length=200,
    )
    answer: Literal["auto", "json", "text"] = Field(
        default="auto", description="How the answer is read; auto is JSON where it is JSON"
    )
    accept_errors: bool = Field(
        default=False,
        description="Whether a status of 400 or more is an answer like any other and no error",
    )
    timeout_seconds: int = Field(
        default=30, description="How long everything may take", ge=1, le=60
    )


class SystemRequestOutput(OperationOutput):
    status: int = Field(description="The status of the answer, such as 200")
    headers: dict[str, str] = Field(
        description="Those that a workflow acts on, such as link and retry-after, in small letters"
    )
    body: JsonValue = Field(description="The answer's JSON; null where it is none")
    text: str = Field(description="The answer as it is, where it is no JSON")


class ListConnectionsInput(OperationInput):
    kind: str = Field(
        default="",
        description="Only those of this kind, such as shopify",
        max_length=20,
        json_schema_extra={"n8n": {"choices": "connection_kinds"}},
    )


class ConnectionOutput(OperationOutput):
    connection_id: str = Field(description="The connection's ID")
    name: str = Field(description="The connection's name")
    kind: str = Field(description="What sort of system it is, such as shopify")
    address: str = Field(description="Where it leads")
    is_active: bool = Field(description="Whether it is switched on")
    status: Literal["unknown", "ok", "failing"] = Field(description="Whether it works")
    last_error: str = Field(description="What is wrong where it fails")
    last_checked_at: datetime | None = Field(description="When it was checked last")
    last_used_at: datetime | None = Field(description="When it was used last, to the minute")


class ListConnectionsOutput(OperationOutput):
    connections: list[ConnectionOutput] = Field(description="By name")


class CheckConnectionInput(OperationInput):
    connection: str = _connection()


class PutFileInput(OperationInput):
    connection: str = _connection()
    name: str = Field(
        description="Name below the connection's folder, such as out/orders.csv",
        min_length=1,
        max_length=255,
    )
    content: Text = Field(
        description="What is in the file",
        max_length=15_000_000,
        json_schema_extra={"n8n": {"multiline": True}},
    )
    encoding: Literal["text", "base64"] = Field(
        default="text", description="How the content is given; text is written in UTF-8"
    )
    overwrite: bool = Field(default=True, description="Whether a file of this name may be replaced")


class PutFileOutput(OperationOutput):
    path: str = Field(description="Where the file is on the server")
    size: int = Field(description="Its size in bytes")


class UploadFileInput(OperationInput):
    connection: str = _connection()
    name: str = Field(
        default="",
        description="Name below the connection's folder, such as out/orders.csv; empty: the file's "
        "own",
        max_length=255,
    )
    overwrite: bool = Field(default=True, description="Whether a file of this name may be replaced")


class ListFilesInput(OperationInput):
    connection: str = _connection()
    folder: str = Field(
        default="", description="A folder below the connection's own", max_length=255
    )


class FileOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str = Field(description="The file's name")
    size: int = Field(description="Its size in bytes")
    modified_at: datetime | None = Field(description="When it was changed, if the server tells")


class ListFilesOutput(OperationOutput):
    files: list[FileOutput] = Field(description="By name, at most a thousand")


class SendMailInput(OperationInput):
    connection: str = _connection()
    to: str = Field(description="Addresses, with commas between", min_length=3, max_length=4000)
    subject: str = Field(description="What the mail is about", min_length=1, max_length=500)
    text: str = Field(
        description="What to say",
        min_length=1,
        max_length=100_000,
        json_schema_extra={"n8n": {"multiline": True}},
    )
    reply_to: str = Field(
        default="", description="Where answers go, if not to the sender", max_length=320
    )


class SendMailOutput(OperationOutput):
    message_id: str = Field(description="The mail's Message-ID")


@operation(
    resource="connection",
    name="request",
    action="Request an outside system",
    scope=_USE,
    slow=True,
    reads=lambda data: data.method in {"GET", "HEAD"} and not data.idempotency_key,
    errors=(
        *_OUTSIDE, allowed.CallNotAllowed, allowed.CallInvalid, errors.AnswerUnusable,
        errors.RedirectRefused, errors.CallRejected, CallMalformed, LoginRefused,
    ),
)  # fmt: skip
def request(data: SystemRequestInput, *, by: Actor) -> SystemRequestOutput:
    """Call the API of an outside system through a connection, which lets the call in."""
    content, content_type = data.text.encode(), data.content_type
    writes = data.method in {"POST", "PUT", "PATCH"}
    if not data.text and (data.body or (data.body is not None and writes)):
        content, content_type = json.dumps(data.body).encode(), "application/json"
    found = services.call(
        connection=services.get_connection(data.connection),
        method=data.method,
        path=data.path,
        query=data.query,
        headers=data.headers,
        content=content,
        content_type=content_type,
        idempotency_key=data.idempotency_key,
        answer=data.answer,
        accept_errors=data.accept_errors,
        seconds=data.timeout_seconds,
        by=by,
    )
    return SystemRequestOutput(
        status=found.status, headers=dict(found.headers), body=found.body, text=found.text
    )


@operation(
    resource="connection",
    name="list",
    action="List connections",
    scope="connections:read",
    read_only=True,
    rows="connections",
    simplified=("connection_id", "name", "kind", "is_active", "status", "last_error"),
)
def list_connections(data: ListConnectionsInput, *, by: Actor) -> ListConnectionsOutput:
    """Find the connections, and whether they work."""
    found = Connection.objects.defer("secrets")
    found = found.filter(kind=data.kind) if data.kind else found
    return ListConnectionsOutput(connections=[_shown(one) for one in found])


@operation(
    resource="connection",
    name="check",
    action="Check a connection",
    scope=_USE,
    slow=True,
    errors=(services.ConnectionUnknown,),
)
def check(data: CheckConnectionInput, *, by: Actor) -> ConnectionOutput:
    """Ask the outside system whether it answers and lets Pergola in."""
    connection = services.get_connection(data.connection)
    return _shown(services.check_connection(connection=connection, by=by))


@operation(
    resource="connection",
    name="put_file",
    action="Put a file",
    scope=_USE,
    slow=True,
    errors=(
        *_OUTSIDE, sftp.NameInvalid, sftp.FileThere, services.ContentTooLarge,
        services.ContentMalformed,
    ),
)  # fmt: skip
def put_file(data: PutFileInput, *, by: Actor) -> PutFileOutput:
    """Put a file into the folder of an SFTP connection, whole or not at all."""
    content = _decoded(data)
    path = services.put_file(
        connection=services.get_connection(data.connection),
        name=data.name,
        content=content,
        overwrite=data.overwrite,
        by=by,
    )
    return PutFileOutput(path=path, size=len(content))


@operation(
    resource="connection",
    name="upload_file",
    action="Upload a file",
    scope=_USE,
    slow=True,
    errors=(
        *_OUTSIDE, sftp.NameInvalid, sftp.FileThere, services.ContentTooLarge, FileTooLarge,
    ),
)  # fmt: skip
def upload_file(data: UploadFileInput, *, by: Actor, file: OperationFile) -> PutFileOutput:
    """Put a file of the workflow into the folder of an SFTP connection, whole or not at all."""
    path = services.put_file(
        connection=services.get_connection(data.connection),
        name=data.name or file.name,
        content=file.read(),
        overwrite=data.overwrite,
        by=by,
    )
    return PutFileOutput(path=path, size=file.size)


@operation(
    resource="connection",
    name="list_files",
    action="List files",
    scope=_USE,
    slow=True,
    errors=(*_OUTSIDE, sftp.NameInvalid),
    rows="files",
)
def list_files(data: ListFilesInput, *, by: Actor) -> ListFilesOutput:
    """Find the files in the folder of an SFTP connection."""
    found = services.list_files(
        connection=services.get_connection(data.connection), folder=data.folder, by=by
    )
    return ListFilesOutput(
        files=[
            FileOutput(name=one.name, size=one.size, modified_at=one.modified_at) for one in found
        ]
    )


@operation(
    resource="connection",
    name="send_mail",
    action="Send a mail",
    scope=_USE,
    slow=True,
    errors=(*_OUTSIDE, smtp.MailInvalid),
)
def send_mail(data: SendMailInput, *, by: Actor) -> SendMailOutput:
    """Send a mail by the mail server of an SMTP connection, from its sender's address."""
    message_id = services.send_mail(
        connection=services.get_connection(data.connection),
        to=[one.strip() for one in data.to.split(",")],
        subject=data.subject,
        text=data.text,
        reply_to=data.reply_to,
        by=by,
    )
    return SendMailOutput(message_id=message_id)


def _shown(row: Connection) -> ConnectionOutput:
    return ConnectionOutput.model_validate(
        {
            "connection_id": str(row.pk),
            "address": row.base_url,
            **{
                name: getattr(row, name)
                for name in (
                    "name", "kind", "is_active", "status", "last_error", "last_checked_at",
                    "last_used_at",
                )
            },
        }
    )  # fmt: skip


def _decoded(data: PutFileInput) -> bytes:
    if data.encoding == "text":
        return data.content.encode()
    try:
        return base64.b64decode("".join(data.content.split()), validate=True)
    except ValueError:
        raise services.ContentMalformed(
            "The content is not base64. Choose the encoding text, or give what n8n's Extract From "
            "File node makes.",
            errors=(FieldError("content", "is not base64"),),
        ) from None
