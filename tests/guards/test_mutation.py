"""The isolation proof's mutants fit the code as it is; `make isolation-proof` runs them."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.mutation.mutant import Mutant, Stale
from tests.mutation.mutants import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_mutant_takes_away_is_there(mutant: Mutant) -> None:
    compile(mutant.mutated(), mutant.file, "exec")

    assert mutant.old != mutant.new
    for path in mutant.paths:
        assert Path(settings.BASE_DIR, path).is_file(), path


def test_each_mutant_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 40


def test_a_stale_mutant_says_so() -> None:
    gone = Mutant("gone", "nothing", "tenants/cache.py", "no such text", "", ("cache",))
    with pytest.raises(Stale, match="mutant gone: its text is 0 times"):
        gone.mutated()


def test_a_mutant_is_what_is_imported() -> None:
    """In a process of its own, since a module is imported once."""
    program = (
        "from tests.mutation.mutant import Mutant, put_in\n"
        "found = put_in(Mutant('m', 'r', 'tenants/doors.py', 'SHARED = \"shared\"',"
        " 'SHARED = \"mutated\"', ('urls',)))\n"
        "from tenants.doors import Door\n"
        "assert found.is_used\n"
        "print(Door.SHARED.value)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.strip() == "mutated"
