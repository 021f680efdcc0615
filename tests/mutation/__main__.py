"""`python -m tests.mutation [NAME …]`: the isolation proof, of all mutants or those named."""

import sys

from tests.mutation.mutants import MUTANTS
from tests.mutation.proof import Broken, Outcome, run, services


def main(names: list[str]) -> int:
    unknown = set(names) - {mutant.name for mutant in MUTANTS}
    if unknown:
        print(f"There is no mutant {', '.join(sorted(unknown))}.")
        return 1
    chosen = [mutant for mutant in MUTANTS if mutant.name in names or not names]
    try:
        with services():
            outcomes = run(chosen, tell)
    except Broken as broken:
        print(f"Nothing was proved: {broken}")
        return 1
    survived = [outcome for outcome in outcomes if not outcome.is_killed]
    print(
        f"\n{len(outcomes)} mutants, {len(outcomes) - len(survived)} killed, "
        f"{len(survived)} survived."
    )
    return 1 if survived else 0


def tell(outcome: Outcome) -> None:
    fate = "killed  " if outcome.is_killed else "SURVIVED"
    print(
        f"{fate} {outcome.seconds:5.1f} s  {outcome.mutant.name}: without {outcome.mutant.removes}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
