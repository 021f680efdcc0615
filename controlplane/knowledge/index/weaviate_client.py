"""The connection to Weaviate: made at the first use, one for each process, shared by its threads.

weaviate-client itself repeats a call to an absent server for a minute, without jitter, and asks
the Python package index for its newest version at the start. Neither suits a request that a
person waits for: here a call is repeated twice within about a second, and nothing else is asked.
"""

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings

from controlplane.core.errors import DomainError
from controlplane.core.http import backoff

if TYPE_CHECKING:
    from weaviate import WeaviateClient

TRIES = 3
QUERY_SECONDS, INSERT_SECONDS, START_SECONDS = 10, 60, 5
_GRPC_PORT = 50051

log = structlog.get_logger(__name__)


class IndexUnreachable(DomainError):
    code = "index_unreachable"
    status = 503
    title = "The search index does not answer"


class IndexRefused(DomainError):
    code = "index_refused"
    status = 502
    title = "The search index refused a call"


_lock = threading.Lock()
_clients: dict[tuple[int, str, str], "WeaviateClient"] = {}


def connected_client() -> "WeaviateClient":
    """Raises IndexUnreachable, IndexRefused. A forked process makes a connection of its own."""
    key = (os.getpid(), settings.WEAVIATE_URL, settings.WEAVIATE_GRPC_URL)
    with _lock:
        client = _clients.get(key)
        if client is None or not client.is_connected():
            client = _clients[key] = _connect()
    return client


def close_clients() -> None:
    """At the end of the process, and between tests."""
    with _lock:
        for pid, *_urls in list(_clients):
            # A parent's channel must not be closed by its child, who only inherited the object.
            if pid == os.getpid():
                _clients.pop((pid, *_urls)).close()  # type: ignore[arg-type]


atexit.register(close_clients)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """The client's errors as ours; `doing` ends the sentence “Weaviate did not …”."""
    import httpx
    from weaviate import exceptions

    away = (
        exceptions.WeaviateConnectionError, exceptions.WeaviateStartUpError,
        exceptions.WeaviateTimeoutError, exceptions.WeaviateClosedClientError,
        exceptions.WeaviateGRPCUnavailableError, httpx.TransportError,
    )  # fmt: skip
    try:
        yield
    except away as error:
        raise _unreachable(doing, error) from error
    except exceptions.WeaviateBaseError as error:
        if "Deadline Exceeded" in str(error):
            raise _unreachable(doing, error) from error
        log.warning("weaviate refused", doing=doing, error=str(error))
        raise IndexRefused(
            f"Weaviate did not {doing}: {str(error)[:300]} See that the server is of version 1.27 "
            "or newer and that its key may do this."
        ) from error


def _unreachable(doing: str, error: Exception) -> IndexUnreachable:
    log.warning("weaviate does not answer", doing=doing, error=str(error))
    return IndexUnreachable(
        f"Weaviate did not {doing}, since it does not answer. Try again in a minute; if it stays "
        "away, look at the server and at WEAVIATE_URL."
    )


def _connect() -> "WeaviateClient":
    from weaviate import WeaviateClient
    from weaviate.auth import Auth
    from weaviate.classes.init import AdditionalConfig, Timeout

    timeout = Timeout(query=QUERY_SECONDS, insert=INSERT_SECONDS, init=START_SECONDS)
    key = settings.WEAVIATE_API_KEY
    client = WeaviateClient(
        connection_params=_addresses(),
        auth_client_secret=Auth.api_key(key) if key else None,
        additional_config=AdditionalConfig(timeout=timeout, trust_env=False),
        # These would ask the package index on the internet for the client's newest version.
        skip_init_checks=True,
    )
    try:
        with translated("let us connect"):
            client.connect()
    except DomainError:
        client.close()
        raise
    _retry_with_jitter(client)
    return client


def _addresses() -> Any:
    from weaviate.connect import ConnectionParams

    rest = urlsplit(settings.WEAVIATE_URL)
    host = rest.hostname or "localhost"
    secure = rest.scheme == "https"
    calls = urlsplit(settings.WEAVIATE_GRPC_URL or f"{rest.scheme}://{host}:{_GRPC_PORT}")
    return ConnectionParams.from_params(
        http_host=host,
        http_port=rest.port or (443 if secure else 80),
        http_secure=secure,
        grpc_host=calls.hostname or host,
        grpc_port=calls.port or (443 if calls.scheme in ("https", "grpcs") else _GRPC_PORT),
        grpc_secure=calls.scheme in ("https", "grpcs"),
    )


def _retry_with_jitter(client: "WeaviateClient") -> None:
    """Put an interceptor under the client's stub, which has no setting for its own retries."""
    import grpc
    from weaviate.proto.v1 import weaviate_pb2_grpc

    class Retry(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
        def intercept_unary_unary(self, proceed: Any, details: Any, request: Any) -> Any:
            for attempt in range(TRIES):
                call = proceed(details, request)
                if call.code() is not grpc.StatusCode.UNAVAILABLE:
                    return call
                if attempt + 1 < TRIES:
                    time.sleep(backoff(attempt, base=0.2, cap=2))
            # No RpcError: those the client would repeat once more, for a minute.
            raise _unreachable("answer", call.exception())

    connection: Any = client._connection
    channel = grpc.intercept_channel(connection._grpc_channel, Retry())
    connection._grpc_stub = weaviate_pb2_grpc.WeaviateStub(channel)
