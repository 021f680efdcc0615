"""Calls to addresses that somebody typed in end before anything is sent inside the network."""

import socket
import threading
from collections.abc import Iterator

import pytest
import requests

from controlplane.core.outward import AddressForbidden, OutwardSession


@pytest.fixture
def inside() -> Iterator[tuple[int, list[bytes]]]:
    """Something that listens on the loopback, and what it was sent."""
    sent: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, _peer = server.accept()
            except OSError:
                return
            with connection:
                sent.append(connection.recv(100))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield server.getsockname()[1], sent
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_nothing_private_is_sent_anything(host: str, inside: tuple[int, list[bytes]]) -> None:
    port, sent = inside

    with pytest.raises(requests.ConnectionError, match="not an address of the public internet"):
        OutwardSession().get(f"https://{host}:{port}/")

    assert set(sent) <= {b""}


def test_only_https_is_spoken() -> None:
    with pytest.raises(AddressForbidden):
        OutwardSession().get("http://login.partner.example/")


def test_a_host_that_may_be_private_is_reached(inside: tuple[int, list[bytes]]) -> None:
    port, sent = inside

    with pytest.raises(requests.ConnectionError):  # what listens there speaks no HTTP
        OutwardSession(private_hosts=["127.0.0.1"]).get(f"http://127.0.0.1:{port}/")

    assert sent[0].startswith(b"GET / HTTP/1.1")
