"""`python -m tests.mutation.one NAME`: run one mutant's tests with the mutant put in."""

import sys

import pytest

from tests.mutation.mutant import put_in
from tests.mutation.mutants import MUTANTS

# pytest's own codes end at 5.
NEVER_IMPORTED = 9


def main(name: str) -> int:
    (mutant,) = [mutant for mutant in MUTANTS if mutant.name == name]
    finder = put_in(mutant)
    if mutant.in_database:
        from tests.mutation.rights import grant_anew

        grant_anew()
    arguments = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", *mutant.paths]
    code = int(pytest.main([*arguments, *(["-k", mutant.only] if mutant.only else [])]))
    return code if finder.is_used else NEVER_IMPORTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
