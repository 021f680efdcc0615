"""The one place that speaks HTTP with tenants' outside systems: guarded, bounded, repeated."""

import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin

import httpx
from django.conf import settings

from controlplane.connections import allowed
from controlplane.connections.errors import (
    AddressRefused,
    AnswerUnusable,
    ConnectionUnreachable,
    RedirectRefused,
    TimeIsUp,
)
from controlplane.connections.kinds import ConnectionKind, kind_named
from controlplane.connections.kinds.declaration import Incoming, Outgoing
from controlplane.connections.models import Connection
from controlplane.connections.tokens import Tokens
from controlplane.core.dialling import AddressForbidden
from controlplane.core.guarded_http import (
    AnswerEncoded,
    AnswerTooLarge,
    guarded_client,
    read_body,
)
from controlplane.core.http import backoff
from controlplane.core.redaction import HIDDEN, SHORTEST, redact

SECONDS = 30.0
MOST_BYTES = 1024 * 1024
TRIES = 3
MOST_REDIRECTS = 3

UNTRUSTED = (
    "; if an authority of your own signed its certificate, store that authority's with the "
    "connection"
)

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BUSY = frozenset({429, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_AGENT = "Pergola (+connections)"


@dataclass
class Exchange:
    """One call with all its tries. `deadline` is one of `time.monotonic`.

    It is the `Sender` of its kind: calls for a token go the same way, to wherever the kind says.
    """

    connection: Connection
    seconds: float = SECONDS
    most_bytes: int = MOST_BYTES
    sleep: Callable[[float], None] = time.sleep
    kind: ConnectionKind = field(init=False)
    values: dict[str, str] = field(init=False, repr=False)
    tokens: Tokens = field(init=False, repr=False)
    told: set[str] = field(init=False, repr=False, default_factory=set)

    def __post_init__(self) -> None:
        self.kind = kind_named(self.connection.kind)
        self.values = self.connection.values
        self.tokens = Tokens(self.connection, self.values)
        self.deadline = time.monotonic() + self.seconds
        self._http = guarded_client(
            deadline=self.deadline,
            private_hosts=settings.CONNECTION_PRIVATE_HOSTS,
            authorities=self.values.get("authority", ""),
        )

    def __enter__(self) -> "Exchange":
        return self

    def __exit__(self, *_exc: object) -> None:
        self._http.close()

    def call(self, request: Outgoing, *, is_repeatable: bool | None = None) -> Incoming:
        """The answer, whatever its status. Raises what `errors` has, and the kind's own."""
        repeatable = request.method in _REPEATABLE if is_repeatable is None else is_repeatable
        answer = self._followed(self._signed(request), request, repeatable)
        if answer.status == 401 and self.kind.has_tokens and self.tokens.forget():
            # What it refused to let in it has not done, so the call may be made again.
            answer = self._followed(self._signed(request), request, repeatable)
        return self.kind.read(answer)

    def remembered(self, name: str, make: Callable[[], tuple[str, float]]) -> str:
        value = self.tokens.remembered(name, make)
        self.told.add(value)
        return value

    def send(self, request: Outgoing) -> Incoming:
        """As it is, without a signature. Once more where nothing was sent."""
        return self._tried(request, is_repeatable=False)

    def _signed(self, request: Outgoing) -> Outgoing:
        signed = self.kind.sign(request, self.values, self)
        for name, value in signed.headers[len(request.headers) :]:
            if name.lower() != "content-type":
                self.told |= {value, value.rpartition(" ")[2]}
        return signed

    def _followed(self, signed: Outgoing, asked: Outgoing, repeatable: bool) -> Incoming:
        """Redirects that stay on the host and in the allow-list, for calls that only read."""
        for _hop in range(MOST_REDIRECTS + 1):
            answer = self._tried(signed, is_repeatable=repeatable)
            if answer.status not in {301, 302, 303, 307, 308}:
                return answer
            target = answer.headers.get("location", "")[:4000]
            if asked.method not in {"GET", "HEAD"}:
                raise self._not_followed(target, "the call may change something")
            try:
                asked = self._redirected(asked, signed, target)
            except (allowed.CallInvalid, allowed.CallNotAllowed) as error:
                raise self._not_followed(target, error.detail) from None
            signed = self._signed(asked)
        raise self._not_followed(target, f"{MOST_REDIRECTS} were followed")

    def _redirected(self, asked: Outgoing, signed: Outgoing, target: str) -> Outgoing:
        try:
            whole = urljoin(signed.url, target)
            leaves = httpx.URL(whole).netloc != httpx.URL(signed.url).netloc
        except (ValueError, httpx.InvalidURL):
            raise allowed.CallNotAllowed("it leads to no address") from None
        if leaves:
            raise allowed.CallNotAllowed("it leads to another host")
        found = allowed.request_for(self.connection, method=asked.method, path=whole)
        return replace(found, headers=asked.headers)

    def _not_followed(self, target: str, why: str) -> RedirectRefused:
        # Behind the question mark stands what was asked for, and maybe the key.
        shown = self.without_secrets(target.partition("?")[0])
        return RedirectRefused.of(self.connection, shown, why)

    def _tried(self, request: Outgoing, *, is_repeatable: bool) -> Incoming:
        for attempt in range(TRIES):
            is_last = attempt == TRIES - 1
            try:
                answer = self._once(request)
            except httpx.HTTPError as error:
                not_sent = isinstance(error, _NOT_SENT)
                if is_last or not (not_sent or is_repeatable) or not self._waited(attempt):
                    raise self._failure(request, error, sent=not not_sent) from error
                continue
            busy = answer.status in _BUSY and is_repeatable and not is_last
            if not busy or not self._waited(attempt, answer.headers.get("retry-after", "")):
                return answer
        raise AssertionError("the last try returns or raises")

    def _waited(self, attempt: int, asked: str = "") -> bool:
        """False where there would be no time left afterwards."""
        pause = backoff(attempt, base=0.4, cap=5.0)
        if asked.isascii() and asked.isdigit():
            pause = max(pause, float(asked[:6]))
        if time.monotonic() + pause + 1.0 > self.deadline:
            return False
        self.sleep(pause)
        return True

    def _once(self, request: Outgoing) -> Incoming:
        if self.kind.answer is not None:
            return self.kind.answer(request, self.values)
        headers = {"accept": "application/json", "user-agent": _AGENT, "accept-encoding": "gzip"}
        # What signs comes last, and so stays.
        headers |= {name.lower(): value for name, value in request.headers}
        try:
            with self._http.stream(
                request.method,
                request.url,
                params=list(request.query) or None,
                headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                content=request.content or None,
            ) as response:
                body = b""
                if request.method != "HEAD":
                    body = read_body(response, most_bytes=self.most_bytes)
                return Incoming(response.status_code, dict(response.headers), body)
        except AddressForbidden as error:
            raise AddressRefused.of(self.connection, str(error)) from error
        except (AnswerTooLarge, AnswerEncoded) as error:
            raise AnswerUnusable.of(self.connection, str(error)) from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise AddressRefused.of(self.connection, "the address is none") from error

    def _failure(self, request: Outgoing, error: httpx.HTTPError, *, sent: bool) -> Exception:
        if isinstance(error, httpx.TimeoutException) and time.monotonic() >= self.deadline - 0.5:
            return TimeIsUp.of(self.connection, self.seconds, sent=sent)
        why = redact(str(error) or type(error).__name__)[:300]
        if "CERTIFICATE_VERIFY_FAILED" in why:
            why += UNTRUSTED
        return ConnectionUnreachable.of(self.connection, why, sent=sent)

    def without_secrets(self, text: str) -> str:
        """What a system repeats of our secrets is not handed on."""
        return hide(text, {*_secrets(self.kind, self.values), *self.told})


def _secrets(kind: ConnectionKind, values: dict[str, str]) -> list[str]:
    return [values[one.name] for one in kind.secret_fields if values.get(one.name)]


def hide(text: str, secrets: Collection[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN).replace(json.dumps(secret)[1:-1], HIDDEN)
    return text
