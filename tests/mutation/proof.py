"""Runs every mutant, one after the other, and tells who was killed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.mutation.mutant import ROOT, Mutant

TESTS_FAILED = 1
LONGEST_SECONDS = 300
KEEP = {"PERGOLA_TEST_KEEP": "1"}


class Broken(Exception):
    """A mutant, or the run without one, ended in a way that proves nothing."""


@dataclass(frozen=True)
class Outcome:
    mutant: Mutant
    is_killed: bool
    seconds: float
    said: str


@contextmanager
def services() -> Iterator[None]:
    """PostgreSQL and Redis of the tests, started once for all mutants."""
    from tests.services import stack

    try:
        yield
    finally:
        stack.stop(everything=True)


def run(
    mutants: Sequence[Mutant], tell: Callable[[Outcome], None] = lambda outcome: None
) -> list[Outcome]:
    """Within `services()`. Raises Broken where the tests fail without a mutant too."""
    _assert_green(mutants)
    outcomes = []
    for mutant in mutants:
        began = time.perf_counter()
        code, said = _python("tests.mutation.one", mutant.name)
        if mutant.in_database:
            _mend()
        if code not in {0, TESTS_FAILED}:
            raise Broken(f"mutant {mutant.name} ended with code {code}:\n{said[-3000:]}")
        outcome = Outcome(mutant, code == TESTS_FAILED, time.perf_counter() - began, said)
        tell(outcome)
        outcomes.append(outcome)
    return outcomes


def _assert_green(mutants: Sequence[Mutant]) -> None:
    """A test that fails anyhow kills every mutant and proves nothing."""
    paths = dict.fromkeys(path for mutant in mutants for path in mutant.paths)
    chosen = " or ".join(dict.fromkeys(mutant.expression for mutant in mutants))
    code, said = _python("pytest", "-x", "-q", "-p", "no:cacheprovider", *paths, "-k", chosen)
    if code:
        raise Broken(f"the tests fail without any mutant:\n{said[-3000:]}")


def _mend() -> None:
    code, said = _python("tests.mutation.rights")
    if code:
        raise Broken(f"the rights could not be granted again:\n{said[-3000:]}")


def _python(module: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **KEEP},
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS * (4 if module == "pytest" else 1),
    )
    return done.returncode, done.stdout + done.stderr
