"""What a long start shows: each step, that it is alive, and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

# Without a terminal (CI, a log file) a long step writes a line this often.
HEARTBEAT_SECONDS = 10.0


class Step:
    """One running step. `update` says how far it is, `skip` that there was nothing to do."""

    def __init__(self, title: str, console: Console) -> None:
        self.title = title
        self.skipped: str | None = None
        self.outcome = ""
        self._console = console
        self._started = self._spoke = time.monotonic()
        self._bar: Progress | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def update(self, detail: str) -> None:
        """Show a detail beside the title; call it as often as you like."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], detail=escape(detail))
        elif time.monotonic() - self._spoke >= HEARTBEAT_SECONDS:
            self._spoke = time.monotonic()
            self._console.print(escape(f"    … {duration(self.seconds)}, {detail}"), soft_wrap=True)

    def skip(self, reason: str) -> None:
        """There is nothing to do: the closing line says why."""
        self.skipped = reason

    def done(self, outcome: str) -> None:
        """Add what came of it to the closing line."""
        self.outcome = outcome

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                TextColumn("[dim]{task.fields[detail]}"),
            )
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.add_task(escape(self.title), detail="", total=None)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        title = escape(self.title)
        if kind is not None:
            word = "stopped" if issubclass(kind, KeyboardInterrupt) else "failed"
            self._console.print(
                f"[red]✗[/red] {title}: {word} after {duration(self.seconds)}", soft_wrap=True
            )
        elif self.skipped is not None:
            self._console.print(
                f"[green]✓[/green] {title}: [dim]{escape(self.skipped)}[/dim]", soft_wrap=True
            )
        else:
            outcome = f"{escape(self.outcome)}, " if self.outcome else ""
            self._console.print(
                f"[green]✓[/green] {title}: {outcome}{duration(self.seconds)}", soft_wrap=True
            )


class Reporter:
    """Prints steps to the terminal; the same calls serve a log file, with plain lines."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Run the block as a step that is shown while it runs and timed when it ends."""
        with Step(title, self.console) as step:
            if not self.console.is_terminal:
                self.console.print(escape(f"· {title} …"), soft_wrap=True)
            yield step

    def note(self, text: str) -> None:
        self.console.print(f"  [dim]{escape(text)}[/dim]", soft_wrap=True)


class Silent(Reporter):
    """Shows nothing; for tests."""

    def __init__(self) -> None:
        super().__init__(Console(quiet=True))


def duration(seconds: float) -> str:
    """Seconds as a person says them: `0.4 s`, `38 s`, `2 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
