"""What a judgement can be, from mild to strict: accept < hold < reject."""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """Ordered by strictness, not by the alphabet. For an invoice, accept means pay."""

    ACCEPT = "accept"
    HOLD = "hold"
    REJECT = "reject"

    @property
    def strictness(self) -> int:
        return list(Verdict).index(self)

    def __lt__(self, other: str) -> bool:
        return self.strictness < Verdict(other).strictness

    def __le__(self, other: str) -> bool:
        return self.strictness <= Verdict(other).strictness

    def __gt__(self, other: str) -> bool:
        return self.strictness > Verdict(other).strictness

    def __ge__(self, other: str) -> bool:
        return self.strictness >= Verdict(other).strictness


def strictest(verdicts: Iterable[str]) -> Verdict:
    """Accept where there is none."""
    return max((Verdict(verdict) for verdict in verdicts), default=Verdict.ACCEPT)
