"""What separates tenants: the matrix, what it notices when guards are taken away, and secrets.

Nothing is timed here: each part ends with a count, and the counts to reach are 0 leaks, 0 mutants
that survive and 0 secrets in clear. All run in processes of their own, on the tests' services.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.run import Report

ROOT = Path(__file__).resolve().parent.parent
NEEDS_DATA = False
MATRIX = "tests/integration/isolation"
CANARY = "tests/e2e/test_canary.py"


class NotProved(Exception):
    """A part ended without its count; what it said is the text."""


def run(data: Path, report: Report) -> dict[str, Any]:
    matrix = _matrix(report)
    mutants, survived = _mutants(report)
    secrets = secrets_found()
    report.table(
        "Isolation",
        ["what", "tried", "got through"],
        [
            ["cells of the matrix", matrix["cells"], matrix["leaks"]],
            ["mutants: a guard taken away", mutants, survived],
            ["secrets in databases, Redis, logs, files", "every one", secrets],
        ],
    )
    return {
        "cells": matrix["cells"],
        "leaks": matrix["leaks"],
        "mutants": mutants,
        "mutants_survived": survived,
        "secrets_found": secrets,
    }


def _matrix(report: Report) -> dict[str, Any]:
    """Every door × everybody who must not get in."""
    found: dict[str, Any] = _counted("ISOLATION_REPORT", MATRIX)
    report.table("The matrix, by kind of door", ["door", "cells"], sorted(found["by_kind"].items()))
    for kind, cells in found["by_kind"].items():
        report.row(measure="cells", name=kind, count=cells)
    for leak in found["leaked"]:
        report.say(f"leak: {leak}")
    return found


def _mutants(report: Report) -> tuple[int, int]:
    """Each guard taken away in turn: (how many, how many nobody noticed)."""
    from tests.mutation.__main__ import tell
    from tests.mutation.mutants import MUTANTS
    from tests.mutation.proof import run as prove
    from tests.mutation.proof import services

    report.say("")
    with services():
        outcomes = prove(MUTANTS, tell)
    for outcome in outcomes:
        report.row(
            measure="mutant",
            name=outcome.mutant.name,
            killed=outcome.is_killed,
            seconds=outcome.seconds,
        )
    return len(outcomes), sum(not outcome.is_killed for outcome in outcomes)


def secrets_found() -> int:
    """How many secrets stand somewhere in clear after flows in success, failure and crash."""
    return int(_counted("CANARY_REPORT", CANARY))


def _counted(variable: str, tests: str) -> Any:
    """What the tests wrote into the file that the variable names. Raises NotProved."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "report.json"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests],
            cwd=ROOT,
            env={**os.environ, variable: str(place)},
            capture_output=True,
            text=True,
        )
        if not place.is_file():
            raise NotProved(f"{tests} ended with code {done.returncode}:\n{done.stdout[-3000:]}")
        return json.loads(place.read_text(encoding="utf-8"))
