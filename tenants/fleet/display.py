"""How a run looks: a bar on a terminal, a line now and then elsewhere."""

import time
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tenants.fleet.crew import Outcome

SECONDS_BETWEEN_LINES = 5.0


class Silent:
    """For nobody."""

    def start(self, total: int) -> None: ...
    def show(self, outcome: Outcome) -> None: ...
    def stop(self) -> None: ...


class Bar:
    """A bar with tenants a second and the time that is left."""

    def __init__(self, stream: TextIO) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(file=stream),
        )

    def start(self, total: int) -> None:
        self._began, self._count = time.monotonic(), 0
        self._task = self._progress.add_task("Tenants", total=total, rate="")
        self._progress.start()

    def show(self, outcome: Outcome) -> None:
        self._count += 1
        rate = self._count / max(time.monotonic() - self._began, 0.001)
        self._progress.update(self._task, advance=1, rate=f"{rate:.0f}/s")
        if outcome.failure:
            self._progress.console.print(
                f"{outcome.tenant.slug}: {outcome.failure.text}", markup=False, highlight=False
            )

    def stop(self) -> None:
        self._progress.stop()


class Lines:
    """For logs: each failure, and every few seconds how far it is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def start(self, total: int) -> None:
        self._total, self._count = total, 0
        self._began = self._said = time.monotonic()

    def show(self, outcome: Outcome) -> None:
        self._count += 1
        if outcome.failure:
            self._stream.write(f"{outcome.tenant.slug}: {outcome.failure.text}\n")
        now = time.monotonic()
        if now - self._said >= SECONDS_BETWEEN_LINES:
            self._said = now
            rate = self._count / (now - self._began)
            left = max(self._total - self._count, 0) / rate
            self._stream.write(
                f"{self._count} of {self._total} tenants, {rate:.0f}/s, {left:.0f} s left\n"
            )

    def stop(self) -> None:
        pass


def display_for(stream: TextIO) -> Bar | Lines:
    return Bar(stream) if stream.isatty() else Lines(stream)
