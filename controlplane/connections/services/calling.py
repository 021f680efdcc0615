"""A workflow's call to an outside system, from the allow-list to the audit trail."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from controlplane.connections import noting
from controlplane.connections.allowed import request_for
from controlplane.connections.broker import SECONDS, Exchange
from controlplane.connections.errors import AnswerUnusable, CallRejected, OutsideError
from controlplane.connections.kinds import kind_named
from controlplane.connections.kinds.declaration import Incoming, Outgoing
from controlplane.connections.kinds.suites import LoginRefused
from controlplane.connections.models import Connection
from controlplane.core.actor import Actor
from controlplane.core.crypto import Undecryptable
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.logs import get_logger
from controlplane.core.redaction import redact
from controlplane.core.text import made_storable
from controlplane.core.turns import Turns, Waited, entered_key

LONGEST_SECONDS = 60.0
PATIENCE = 10.0
MOST_DEPTH = 64
# In each process. A tenant whose systems are slow has half of them, and the others the rest.
_turns = Turns(8)
# Of an answer's headers, what a workflow can act on.
_HEADERS = frozenset(
    {
        "content-type", "etag", "last-modified", "link", "location", "retry-after",
        "x-request-id", "x-wp-total", "x-wp-totalpages", "x-shopify-shop-api-call-limit",
        "x-total-count",
    }
)  # fmt: skip

log = get_logger(__name__)


class ConnectionPaused(DomainError):
    code = "connection_paused"
    status = 409
    title = "The connection is switched off"


class ProtocolOther(DomainError):
    code = "connection_protocol_other"
    status = 422
    title = "The connection is of another kind"


class SecretsUnreadable(DomainError):
    code = "connection_secrets_unreadable"
    status = 409
    title = "The connection's secrets cannot be read"


class ConnectionBusy(DomainError):
    code = "connection_busy"
    status = 503
    title = "Too many calls at once"
    retry_after = 5


@dataclass(frozen=True)
class CallResult:
    """`body` is the JSON of the answer, None where it is none; then `text` has it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    text: str = ""


def call(
    *,
    connection: Connection,
    method: str,
    path: str,
    by: Actor,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
    content_type: str = "",
    idempotency_key: str = "",
    answer: Literal["auto", "json", "text"] = "auto",
    accept_errors: bool = False,
    seconds: float = SECONDS,
) -> CallResult:
    """What the outside system answers, without our secrets in it. Stands in no transaction.

    Calls that only read are made again where the way or the system fails, others only with an
    `idempotency_key`, which is sent along. Raises CallNotAllowed, CallInvalid, ConnectionPaused,
    ProtocolOther, ConnectionBusy, CallMalformed, LoginRefused, OutsideError, and CallRejected for
    a status of 400 or more unless `accept_errors`.
    """
    assert_usable(connection, "http")
    given = dict(headers or {})
    given |= {"Content-Type": content_type} if content and content_type else {}
    given |= {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    request = request_for(
        connection, method=method, path=path, query=query, headers=given, content=content
    )
    with turn(), Exchange(connection, seconds=min(seconds, LONGEST_SECONDS)) as exchange:
        reads = exchange.kind.reads(method, request.path)
        with told(connection, what=_about(request), reads=reads, by=by):
            repeatable = True if idempotency_key or reads else None
            found = exchange.call(request, is_repeatable=repeatable)
            result = _result(exchange, found, answer)
            if found.status >= 400:
                _note_refusal(connection, found.status)
                if not accept_errors:
                    raise CallRejected(_refusal(connection, request, result))
            else:
                noting.note_works(connection)
    return result


def assert_usable(connection: Connection, protocol: str) -> None:
    """Raises ConnectionPaused, ProtocolOther and SecretsUnreadable."""
    kind = kind_named(connection.kind)
    if kind.protocol != protocol:
        raise ProtocolOther(
            f"“{connection.name}” is a connection of kind {kind.name}, which this operation does "
            "not speak. Choose one of the right kind.",
            errors=(FieldError("connection", "is of another kind"),),
        )
    if not connection.is_active:
        raise ConnectionPaused(
            f"“{connection.name}” is switched off. Whoever manages connections can switch it on."
        )
    try:
        _opened = connection.secret_values
    except Undecryptable:
        raise SecretsUnreadable(
            f"The secrets of “{connection.name}” cannot be decrypted here, as after a restore "
            "without its keys. Whoever manages connections can type them in again."
        ) from None


@contextmanager
def turn() -> Iterator[None]:
    """One of the few calls at a time. Raises ConnectionBusy."""
    try:
        with _turns.turn(entered_key(), patience=PATIENCE):
            yield
    except Waited:
        raise ConnectionBusy(
            "Too many calls to outside systems are under way. Nothing was sent; try again shortly."
        ) from None


@contextmanager
def told(connection: Connection, *, what: dict[str, Any], reads: bool, by: Actor) -> Iterator[None]:
    """The use goes into the trail and the failure onto the connection, whatever comes of it."""
    outcome = "failed"
    try:
        yield
        outcome = "done"
    except DomainError as error:
        outcome = error.code
        if isinstance(error, OutsideError | LoginRefused) and not isinstance(error, CallRejected):
            noting.note_failed(connection, error.detail)
        raise
    finally:
        log.info("connection.used", connection=str(connection.pk), outcome=outcome, **what)
        noting.note_used(connection, what={**what, "outcome": outcome}, reads=reads, by=by)


def _about(request: Outgoing) -> dict[str, Any]:
    """Without query and body, where customers and secrets stand."""
    return {"method": request.method, "path": redact(request.path)[:300]}


def _result(exchange: Exchange, found: Incoming, wanted: str) -> CallResult:
    headers = {
        name: exchange.without_secrets(value)[:1000]
        for name, value in found.headers.items()
        if name in _HEADERS or name.startswith(("x-ratelimit-", "ratelimit"))
    }
    text = exchange.without_secrets(found.body.decode("utf-8", errors="replace"))
    text = made_storable(text)
    is_page = found.content_type in {"text/html", "application/xhtml+xml"}
    if is_page and wanted != "text" and found.is_success:
        raise AnswerUnusable.of(
            exchange.connection,
            "it is a web page, such as one that asks to log in, and not an API’s answer",
        )
    if wanted == "text" or not text.strip():
        return CallResult(found.status, headers, None, text)
    try:
        body = _storable(json.loads(text, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        if wanted == "json" and found.is_success:
            raise AnswerUnusable.of(exchange.connection, "it is not JSON") from None
        return CallResult(found.status, headers, None, text)
    return CallResult(found.status, headers, body, "")


def _storable(value: Any, depth: int = 0) -> Any:
    """As PostgreSQL takes it. Raises ValueError: nested too deep, or a number that is none."""
    if depth > MOST_DEPTH:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        return made_storable(value)
    if isinstance(value, dict):
        return {made_storable(key): _storable(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner, depth + 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not finite")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _note_refusal(connection: Connection, status: int) -> None:
    """Of a call that names nothing (404) or asks wrongly (422) the connection is not to blame."""
    if status in {401, 403}:
        noting.note_failed(connection, f"It refused a call: it answered {status}.")
    elif status >= 500:
        noting.note_failed(connection, f"It failed at a call: it answered {status}.")


def _refusal(connection: Connection, request: Outgoing, result: CallResult) -> str:
    said = result.text or (json.dumps(result.body, ensure_ascii=False) if result.body else "")
    what = f": {redact(said)[:500]}" if said and "<html" not in said[:500].lower() else ""
    return (
        f"“{connection.name}” answered {request.method} {request.path[:200]} with status "
        f"{result.status}{what}. Change the call, or let the workflow accept errors and branch on "
        "the status."
    )
