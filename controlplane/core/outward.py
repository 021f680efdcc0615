"""Calls to addresses that somebody typed in: never into the installation's own network.

The peer is checked on the open connection, so a name that is looked up twice and answers
differently the second time gains nothing.
"""

import time
from collections.abc import Collection
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from controlplane.core.dialling import is_public

SECONDS = 5.0
MOST_BYTES = 512 * 1024


class AddressForbidden(requests.ConnectionError):
    """A name led to an address that is not of the public internet."""


class _GuardedHTTP(urllib3.connection.HTTPConnection):
    def _new_conn(self) -> Any:
        return _public_only(super()._new_conn())


class _GuardedHTTPS(urllib3.connection.HTTPSConnection):
    def _new_conn(self) -> Any:
        return _public_only(super()._new_conn())


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _GuardedHTTP


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPS


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class OutwardSession(requests.Session):
    """https only, to public addresses, without redirects or the environment's proxies.

    `private_hosts` may be called all the same, also by http. A call that takes longer than five
    seconds, or answers more than half a megabyte, raises a `requests.RequestException`.
    """

    def __init__(self, *, private_hosts: Collection[str] = ()) -> None:
        super().__init__()
        self.trust_env = False
        self.mount("https://", _GuardedAdapter())
        self.mount("http://", _Refusing())
        for host in private_hosts:
            self.mount(f"https://{host}/", HTTPAdapter())
            self.mount(f"https://{host}:", HTTPAdapter())
            self.mount(f"http://{host}/", HTTPAdapter())
            self.mount(f"http://{host}:", HTTPAdapter())

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        deadline = time.monotonic() + SECONDS
        kwargs |= {"timeout": SECONDS, "allow_redirects": False, "stream": True}
        response = super().request(method, url, *args, **kwargs)
        body = bytearray()
        for piece in response.iter_content(16 * 1024):
            body += piece
            if len(body) > MOST_BYTES or time.monotonic() > deadline:
                response.close()
                raise requests.exceptions.ContentDecodingError(
                    "the answer is too long, or takes too long"
                )
        response._content = bytes(body)
        return response


class _Refusing(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        raise AddressForbidden(f"{request.url} is not reached by https")


def _public_only(connection: Any) -> Any:
    peer = str(connection.getpeername()[0])
    if not is_public(peer):
        connection.close()
        raise AddressForbidden(f"{peer} is not an address of the public internet")
    return connection
