"""The benches' own HTTP client against a real server, in the ways in which answers come."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.wire import Wire, head_of


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        way = self.headers["X-Way"]
        self.send_response(202 if way == "whole" else 200)
        if way == "chunks":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (body[:3], body[3:]):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        if way == "closing":
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)
        if way == "silently closing":
            self.close_connection = True

    def log_message(self, *_said: object) -> None: ...


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("way", "status"),
    [("whole", 202), ("chunks", 200), ("closing", 200), ("silently closing", 200)],
)
def test_the_next_request_finds_its_answer_whichever_way_the_last_one_came(
    port: int, way: str, status: int
) -> None:
    head = head_of("/in/north/shop", {"X-Way": way})
    with Wire(port, timeout=5) as wire:
        for number in range(3):
            said, body = wire.post(head, b"event %d" % number)
            assert said == status
            assert (
                body
                == {"chunks": b"3\r\neve\r\n4\r\nnt %d\r\n0\r\n\r\n"}.get(way, b"event %d") % number
            )


def test_a_long_answer_is_read_to_its_end(port: int) -> None:
    with Wire(port, timeout=5) as wire:
        assert wire.post(head_of("/", {"X-Way": "whole"}), b"x" * 300_000) == (202, b"x" * 300_000)


def test_nobody_there_is_an_error() -> None:
    with Wire(1, timeout=5) as wire, pytest.raises(ConnectionError):
        wire.post(head_of("/", {}), b"")
