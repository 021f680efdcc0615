"""An SFTP server on the loopback: the library's own, with a folder of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh


@dataclass
class FakeSftp:
    port: int
    root: Path
    fingerprint: str
    users: dict[str, str]


class _Server(asyncssh.SSHServer):
    def __init__(self, users: dict[str, str]) -> None:
        self.users = users

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return self.users.get(username) == password


@contextmanager
def running_sftp(root: Path, key_file: Path | None = None) -> Iterator[FakeSftp]:
    """`key_file` lets in who has the private half."""
    users = {"ada": "word-of-ada"}
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()

    def rooted(channel: Any) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(root).encode())

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            server_factory=lambda: _Server(users),
            sftp_factory=rooted,
            authorized_client_keys=str(key_file) if key_file else None,
        )

    server = loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield FakeSftp(server.get_port(), root, host_key.get_fingerprint(), users)
    finally:

        async def close() -> None:
            server.close()
            await server.wait_closed()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
