"""`manage.py rotate_keys [--data] [--check]`: exchange the keys that secrets are encrypted with.

Without an option the newest of ENCRYPTION_KEYS wraps all data keys, which takes moments. `--data`
makes new data keys and encrypts every secret anew; readers and writers go on. `--check` says which
entries of ENCRYPTION_KEYS are still needed and changes nothing.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import BaseCommand, CommandError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from controlplane.core.actor import system
from controlplane.vault.wrapping import wrapping_keys
from tenants.rotation import (
    Rotated,
    renew_everywhere,
    rewrap_everywhere,
    schemas,
    usage_everywhere,
)

PHASES = {"wrap": "Wrapping keys", "renew": "Making keys", "encrypt": "Encrypting anew"}


class Command(BaseCommand):
    help = "Exchange the keys that secrets are encrypted with, or say which are still needed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", action="store_true", help="new data keys, everything anew")
        parser.add_argument("--check", action="store_true", help="say which keys are needed")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self._check()
            return
        by = system("key rotation")
        with self._progress(len(schemas())) as done:
            results = [rewrap_everywhere(by=by, done=done)]
            if options["data"]:
                results.append(renew_everywhere(by=by, done=done))
        self._say(results)

    def _say(self, results: list[Rotated]) -> None:
        total = {
            name: sum(getattr(result, name) for result in results)
            for name in ("rewrapped", "renewed", "resealed", "retired")
        }
        self.stdout.write(
            f"{total['rewrapped']} data keys wrapped anew, {total['renewed']} made, "
            f"{total['resealed']} rows encrypted anew, {total['retired']} old data keys destroyed"
        )
        failed = {name: why for result in results for name, why in result.failed.items()}
        for name, why in failed.items():
            self.stderr.write(f"{name}: {why}")
        if failed:
            raise CommandError(f"{len(failed)} schema(s) could not be done; the others are")

    def _check(self) -> None:
        used = usage_everywhere()
        known = [key.id for key in wrapping_keys()]
        for number, key in enumerate(known, start=1):
            count = used.wrapped_by[key]
            needed = f"wraps {count} data keys" if count else "wraps nothing"
            if number == 1:
                needed += "; the newest, stays"
            elif not count:
                needed += "; may be removed" if not used.fernet else ""
            self.stdout.write(f"entry {number} ({key}): {needed}")
        if used.fernet:
            self.stdout.write(
                f"{used.fernet} rows are still encrypted as older releases did it, by any of the "
                "entries: run `manage.py rotate_keys --data` before removing one"
            )
        if used.unfinished:
            self.stdout.write(
                f"{used.unfinished} schemas have a rotation that is not finished: run "
                "`manage.py rotate_keys --data` again"
            )
        if missing := set(used.wrapped_by) - set(known):
            raise CommandError(
                f"data keys are wrapped by {', '.join(sorted(missing))}, which ENCRYPTION_KEYS "
                "does not have: add it at the end of the list"
            )

    @contextmanager
    def _progress(self, count: int) -> Iterator[Callable[[str, str], None]]:
        """A bar on a terminal, a line for each schema elsewhere."""
        if not self.stdout.isatty():
            yield lambda phase, name: self.stdout.write(f"{PHASES[phase].lower()}: {name}")
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns) as bars:
            tasks: dict[str, Any] = {}

            def done(phase: str, _name: str) -> None:
                if phase not in tasks:
                    tasks[phase] = bars.add_task(PHASES[phase], total=count)
                bars.advance(tasks[phase])

            yield done
