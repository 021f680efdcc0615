"""A kept HTTP/1.1 connection that can do no more than the benches need.

Sender and server share the machine, so what the sender spends is taken from what is measured:
`http.client` builds and parses headers for about as long as a fast answer takes.
"""

import socket
from collections.abc import Mapping
from typing import Self

MOST_AT_ONCE = 65_536


def head_of(path: str, headers: Mapping[str, str]) -> bytes:
    """A POST's first lines, made once: all but the length, which is the body's."""
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if not any(name.lower() == "host" for name in headers):
        lines.append("Host: 127.0.0.1")
    return "\r\n".join(lines).encode()


class Wire:
    def __init__(self, port: int, *, timeout: float) -> None:
        self._address, self._timeout = ("127.0.0.1", port), timeout
        self._socket: socket.socket | None = None

    def post(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. Raises ConnectionError and TimeoutError."""
        try:
            return self._send(head, body)
        except ConnectionError:
            # A server may close a kept connection between two requests; its client tries anew.
            self.close()
            return self._send(head, body)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _send(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(b"%b\r\nContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        said = self._receive()
        while (end := said.find(b"\r\n\r\n")) < 0:
            said += self._receive()
        start, names = end + 4, said[:end].lower()
        content = said[start:]
        if (at := names.find(b"\r\ncontent-length:")) >= 0:
            length = int(names[at + 17 :].split(b"\r\n", 1)[0])
            while len(content) < length:
                content += self._receive()
        elif b"\r\ntransfer-encoding: chunked" in names:
            while not content.endswith(b"0\r\n\r\n"):
                content += self._receive()
        if b"\r\nconnection: close" in names:
            self.close()
        return int(said[9:12]), content

    def _receive(self) -> bytes:
        assert self._socket is not None
        if received := self._socket.recv(MOST_AT_ONCE):
            return received
        raise ConnectionError("the server closed the connection")
