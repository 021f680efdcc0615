"""A small SMTP server on the loopback: EHLO, AUTH, MAIL, RCPT, DATA; it keeps what it takes."""

import base64
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class FakeSmtp:
    port: int = 0
    mails: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=lambda: {"ada": "word-of-ada"})
    is_dripping: bool = False
    stop: threading.Event = field(default_factory=threading.Event)


class _Handler(socketserver.StreamRequestHandler):
    @property
    def fake(self) -> FakeSmtp:
        return self.server.fake  # type: ignore[attr-defined]

    def handle(self) -> None:
        with suppress(OSError):
            if self.fake.is_dripping:
                while not self.fake.stop.wait(0.05):
                    self.wfile.write(b"2")
                return
            self._say("220 fake ESMTP")
            while line := self.rfile.readline(2000):
                self._answer(line.decode(errors="replace").strip())

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def _answer(self, line: str) -> None:
        verb = line.split(" ")[0].upper()
        if verb == "EHLO":
            self._say("250-fake\r\n250 AUTH PLAIN")
        elif verb == "AUTH":
            _empty, user, word = base64.b64decode(line.split(" ")[2]).decode().split("\0")
            good = self.fake.users.get(user) == word
            self._say("235 in" if good else "535 not with this password")
        elif verb == "RCPT":
            self.fake.recipients.append(line.partition(":")[2].strip(" <>"))
            self._say("250 ok")
        elif verb == "DATA":
            self._say("354 go on")
            body = b""
            while (piece := self.rfile.readline()) not in {b".\r\n", b""}:
                body += piece
            self.fake.mails.append(body.decode())
            self._say("250 taken")
        else:
            self._say("221 bye" if verb == "QUIT" else "250 ok")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    fake: FakeSmtp


@contextmanager
def running_smtp() -> Iterator[FakeSmtp]:
    server = _Server(("127.0.0.1", 0), _Handler)
    fake = server.fake = FakeSmtp(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
