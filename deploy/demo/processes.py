"""Pergola's own processes, as children: web, worker, beat and relay."""

import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from deploy.embedded.errors import StartFailed
from deploy.embedded.ports import is_free
from deploy.embedded.processes import Process, Processes, wait_until_ready
from deploy.embedded.progress import Reporter

ROOT = Path(__file__).parents[2]
# Told to granian, and by its variable to Pergola: a third of them carries requests out.
WEB_THREADS = 8
SERVER_THREADS = 24


class Pergola:
    """Started in order; `stop` ends exactly these."""

    def __init__(self, var: Path, environment: dict[str, str], reporter: Reporter) -> None:
        self._processes = Processes(var)
        self._environment = {
            **os.environ,
            **environment,
            "LOG_LEVEL": "INFO",
            "WEB_THREADS": str(WEB_THREADS),
            "GRANIAN_BLOCKING_THREADS": str(SERVER_THREADS),
        }
        self._reporter = reporter
        self._started: list[Process] = []
        self._url = environment["PUBLIC_URL"]
        self._schedule = var / "celerybeat-schedule"

    def start(self) -> None:
        port = urlsplit(self._url).port or 80
        with self._reporter.step("Starting web, worker, beat and relay") as step:
            for name in self._commands():
                # One that an earlier, killed run left would run old code beside ours.
                if (left := self._processes.find(name)) is not None:
                    self._processes.stop(left)
                if name == "web" and not is_free(port):
                    # Else whoever listens there would answer /readyz in our place.
                    raise StartFailed(
                        f"Another program took port {port} meanwhile, which {self._url} needs. "
                        "Start again: a free one is chosen then."
                    )
                self._started.append(self._start(name))
            wait_until_ready(
                self._started[0], self._is_ready, timeout=60, step=step, waiting_for="/readyz"
            )

    def kill(self, name: str) -> None:
        """As a crash would end it: at once, whatever it was doing; then start it again."""
        (process,) = [started for started in self._started if started.name == name]
        self._started.remove(process)
        self._processes.stop(process, ask=signal.SIGKILL)
        self._started.append(self._start(name))

    def _start(self, name: str) -> Process:
        return self._processes.start(
            name,
            [sys.executable, *self._commands()[name]],
            environment=self._environment,
            cwd=ROOT,
        )

    def _commands(self) -> dict[str, list[str]]:
        port = str(urlsplit(self._url).port or 80)
        celery = ["-m", "celery", "-A", "controlplane"]
        return {
            "web": [
                "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", port,
                "--workers", "1", "controlplane.wsgi:application",
            ],
            "worker": [*celery, "worker", "--pool", "threads", "--concurrency", "4"],
            "beat": [*celery, "beat", "--schedule", str(self._schedule)],
            "relay": ["manage.py", "relay"],
        }  # fmt: skip

    def stop(self) -> None:
        if not self._started:
            return
        with self._reporter.step("Stopping web, worker, beat and relay"):
            while self._started:
                self._processes.stop(self._started.pop())

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self._url}/readyz", timeout=2, trust_env=False).is_success
        except httpx.HTTPError:
            return False
