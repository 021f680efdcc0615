"""Outside systems on the loopback: an HTTP API that also misbehaves, and OAuth 2 tokens."""

import base64
import gzip
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Call:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeOutside:
    """`answers` by path come before what is built in; each is given the call."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, Callable[[Call], Answer]] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=lambda: {"client": "secret-of-client"})
    tokens: set[str] = field(default_factory=set)
    expires_in: Any = 3600
    issued: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def paths(self) -> list[str]:
        return [call.path for call in self.calls]

    def answer(self, call: Call) -> Answer:
        if call.path in self.answers:
            return self.answers[call.path](call)
        built_in = {
            "/token": self._token, "/protected": self._protected, "/echo": self._echo,
            "/jsonrpc": self._odoo,
        }.get(call.path)  # fmt: skip
        if call.path.startswith("/json/2/"):
            return self._odoo_json2(call)
        return built_in(call) if built_in else told({"ok": True, "path": call.path})

    def _token(self, call: Call) -> Answer:
        """RFC 6749, section 4.4, by basic authentication or in the body."""
        given = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        if call.headers.get("authorization", "").startswith("Basic "):
            pair = base64.b64decode(call.headers["authorization"][6:]).decode()
            given["client_id"], _sep, given["client_secret"] = pair.partition(":")
        known = self.clients.get(given.get("client_id", "")) == given.get("client_secret")
        if not known or given.get("grant_type") != "client_credentials":
            return told({"error": "invalid_client"}, 401)
        self.issued += 1
        token = f"token-number-{self.issued}"
        self.tokens.add(token)
        return told({"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in})

    def _protected(self, call: Call) -> Answer:
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        return told({"by": "you"}) if token in self.tokens else told({"error": "who?"}, 401)

    def _echo(self, call: Call) -> Answer:
        return told(
            {
                "headers": call.headers, "query": call.query, "method": call.method,
                "body": call.body.decode(errors="replace"),
            }
        )  # fmt: skip

    def _odoo(self, call: Call) -> Answer:
        params = json.loads(call.body)["params"]
        if params["service"] == "common":
            database, login, key, _agent = params["args"]
            known = (database, login, key) == ("north", "ada", "odoo-key-of-ada")
            return told({"jsonrpc": "2.0", "id": 1, "result": 7 if known else False})
        _database, user, key, model, method, arguments, named = params["args"]
        if (user, key) != (7, "odoo-key-of-ada") or method == "unlink":
            data = {"name": "odoo.exceptions.AccessError", "message": "You may not."}
            return told({"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "data": data}})
        found = {"model": model, "method": method, "args": arguments, "kwargs": named}
        return told({"jsonrpc": "2.0", "id": 1, "result": [found]})

    def _odoo_json2(self, call: Call) -> Answer:
        """As Odoo 19 answers: statuses of HTTP, errors with their traceback."""
        error = {"name": "werkzeug.exceptions.Unauthorized", "message": "Invalid apikey",
                 "arguments": ["Invalid apikey", 401], "context": {},
                 "debug": "Traceback (most recent call last):\n  /opt/odoo/http.py"}  # fmt: skip
        database = call.headers.get("x-odoo-database", "north")
        if call.headers.get("authorization") != "bearer odoo-key-of-ada" or database != "north":
            return told(error, 401)
        model, method = call.path.removeprefix("/json/2/").split("/")
        if method == "unlink":
            name, message = "odoo.exceptions.AccessError", "You may not."
            return told(error | {"name": name, "message": message}, 403)
        return told([{"model": model, "method": method, **json.loads(call.body)}])


def told(value: Any, status: int = 200, **headers: str) -> Answer:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(value).encode()


def bomb(size: int) -> bytes:
    return gzip.compress(b"0" * size)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def fake(self) -> FakeOutside:
        return self.server.fake  # type: ignore[attr-defined]

    def handle_one_request(self) -> None:
        with suppress(ConnectionError, ValueError):
            super().handle_one_request()

    def _do(self) -> None:
        parts = urlsplit(self.path)
        call = Call(
            self.command,
            parts.path,
            parse_qsl(parts.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(self.headers.get("content-length") or 0)),
        )
        self.fake.calls.append(call)
        misbehaves = {
            "/drip": self._drip_headers, "/drip-body": self._drip_body, "/flood": self._flood,
            "/broken": self._hang_up,
        }.get(parts.path)  # fmt: skip
        if misbehaves:
            self.close_connection = True
            with suppress(OSError):
                misbehaves()
            return
        status, headers, body = self.fake.answer(call)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hang_up(self) -> None:
        """Without a word."""

    def _drip_headers(self) -> None:
        self._drip(b"HTTP/1.1 200 OK\r\nX-Long: ")

    def _drip_body(self) -> None:
        self._drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")

    def _drip(self, start: bytes) -> None:
        """A letter at a time, until whoever asked has had enough."""
        self.wfile.write(start)
        while not self.fake.stop.wait(0.05):
            self.wfile.write(b"a")

    def _flood(self) -> None:
        """50 MB, without saying so before."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        for _piece in range(50):
            self.wfile.write(b"x" * 1024 * 1024)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _do  # noqa: N815

    def log_message(self, *_arguments: Any) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeOutside

    def handle_error(self, *_arguments: Any) -> None:
        """A caller that hangs up in the middle is what is tried here."""


@contextmanager
def running_outside(tls: ssl.SSLContext | None = None) -> Iterator[FakeOutside]:
    server = _Server(("127.0.0.1", 0), _Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "http" if tls is None else "https"
    fake = server.fake = FakeOutside(f"{scheme}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
