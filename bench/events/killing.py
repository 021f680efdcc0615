"""Processes that are killed at random moments, and started again."""

import os
import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Children:
    """Our own, by name; a killed one is started again at once."""

    def __init__(self, commands: dict[str, list[str]], environment: dict[str, str]) -> None:
        self._commands, self._environment = commands, environment
        self._lock = threading.Lock()
        self._running = {name: self._start(name) for name in commands}

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._commands[name], cwd=ROOT, env=self._environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self, name: str) -> None:
        """With everything that it started, and at once."""
        with self._lock:
            process = self._running[name]
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._running[name] = self._start(name)

    def stop(self) -> None:
        with self._lock:
            for process in self._running.values():
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def killed(
    targets: Mapping[str, Callable[[], None]],
    *,
    between: tuple[float, float],
    seed: int,
    kills: Counter[str],
) -> Iterator[None]:
    """While inside, one of the targets after another, chance says which and when.

    What a kill raises is raised again at the end.
    """
    stop, raised = threading.Event(), list[Exception]()

    def work() -> None:
        dice = random.Random(seed)
        while not stop.wait(dice.uniform(*between)):
            name = dice.choice(sorted(targets))
            try:
                targets[name]()
            except Exception as error:  # else the run would go on without kills
                raised.append(error)
                return
            kills[name] += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if raised:
        raise raised[0]
