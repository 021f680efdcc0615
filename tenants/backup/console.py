"""What the two commands show while they work, and where they find a passphrase."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

SHORTEST_PASSPHRASE = 12


class Shown:
    """One line for each tenant as it ends, and a bar above what is under way."""

    def __init__(self, bar: Progress, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=total, step="")

    def begin(self, name: str) -> None:
        self._bar.update(self._task, description=name, step="")

    def step(self, what: str) -> None:
        self._bar.update(self._task, step=what)

    def done(self, name: str, what: str, *, notes: list[str] | None = None) -> None:
        self._say(f"{name}: {what}")
        for note in notes or ():
            self._say(f"  {note}")
        self._bar.advance(self._task)

    def failed(self, name: str, error: Exception) -> None:
        self._say(f"{name}: FAILED: {getattr(error, 'detail', None) or error}")
        self._bar.advance(self._task)

    def _say(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def shown(total: int, stdout: Any) -> Iterator[Shown]:
    """The bar is drawn on a terminal only; a log gets the lines."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[step]}"),
        TimeElapsedColumn(),
        console=Console(file=stdout),
        transient=True,
    )
    with bar:
        yield Shown(bar, total)


def passphrase_in(path: Path | None) -> str:
    """The file's first line; empty without a file. From a file, so that no process list has it."""
    if path is None:
        return ""
    try:
        passphrase = path.read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, IndexError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} holds no passphrase: {error}") from error
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise CommandError(f"the passphrase needs {SHORTEST_PASSPHRASE} characters or more")
    return passphrase
