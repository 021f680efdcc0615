"""HTTP to hosts that somebody typed in: dialled by the address that was judged, and bounded.

One deadline holds for everything, so that a peer that sends a byte a second, in whatever part of
its answer, is given up like one that sends none. An answer is inflated here, piece by piece, so
that a small one does not become a large one in memory.
"""

import ssl
import time
import zlib
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from controlplane.core.dialling import public_addresses
from controlplane.core.http import TIMEOUT

_PIECE = 64 * 1024


class AnswerTooLarge(Exception):
    """More bytes than are taken, as sent or when inflated."""


class AnswerEncoded(Exception):
    """The answer is compressed in a way that was not asked for, or its compression is broken."""


class _Stream(httpcore.NetworkStream):
    """Waits for nothing beyond the deadline, a reading of `time.monotonic`."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._deadline, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(self._deadline, timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: float, private_hosts: Collection[str]) -> None:
        self._deadline, self._private_hosts = deadline, private_hosts
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = public_addresses(host, port, private_hosts=self._private_hosts)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} is not found: {error}") from error
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            left = _left(self._deadline, timeout, httpcore.ConnectTimeout)
            try:
                stream = self._inner.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Stream(stream, self._deadline)
        raise failed


class GuardedTransport(httpx.HTTPTransport):
    """Raises AddressForbidden besides what httpx raises. `deadline` is one of `time.monotonic`.

    `authorities`, as PEM, are trusted besides the public ones.
    """

    def __init__(
        self, *, deadline: float, private_hosts: Collection[str] = (), authorities: str = ""
    ) -> None:
        super().__init__(verify=trusting(authorities), trust_env=False)
        # The public constructor takes no network backend, which is where a name becomes an address.
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusting(authorities),
            max_connections=1,
            network_backend=_Backend(deadline, private_hosts),
        )


def guarded_client(
    *, deadline: float, private_hosts: Collection[str] = (), authorities: str = ""
) -> httpx.Client:
    """For one piece of work: nothing of it is kept, neither connections nor cookies."""
    return httpx.Client(
        transport=GuardedTransport(
            deadline=deadline, private_hosts=private_hosts, authorities=authorities
        ),
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,
    )


def read_body(response: httpx.Response, *, most_bytes: int) -> bytes:
    """The body of a streamed answer, inflated. Raises AnswerTooLarge, AnswerEncoded and httpx's."""
    told = response.headers.get("content-length", "")
    if told.isdigit() and int(told) > most_bytes:
        raise AnswerTooLarge(f"it announces {told} bytes")
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"identity", "", "gzip", "x-gzip", "deflate"}:
        raise AnswerEncoded(f"it is compressed by {coding[:40]!r}")
    inflate = None if coding in {"identity", ""} else zlib.decompressobj(wbits=47)
    body = bytearray()
    for piece in response.iter_raw(_PIECE):
        try:
            # One byte over the limit shows that there is more, without making the rest.
            room = most_bytes - len(body) + 1
            body += inflate.decompress(piece, room) if inflate else piece
        except zlib.error as error:
            raise AnswerEncoded(f"its compression is broken: {error}") from error
        if len(body) > most_bytes:
            raise AnswerTooLarge(f"it has more than {most_bytes} bytes")
    if inflate and body and not inflate.eof:
        raise AnswerEncoded("its compression ends early")
    return bytes(body)


def _left(deadline: float, timeout: float | None, late: type[Exception]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise late("the time for the whole call is up")
    return left if timeout is None else min(left, timeout)


@lru_cache(maxsize=32)
def trusting(authorities: str) -> ssl.SSLContext:
    """The authorities that httpx trusts, and these; reading them takes longer than most calls."""
    context = httpx.create_ssl_context(trust_env=False)
    if authorities:
        context.load_verify_locations(cadata=authorities)
    return context
