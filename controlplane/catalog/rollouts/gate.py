"""The health gate between two rings: what was seen, and whether the next ring may begin.

No Django in here. Percentages are of the ring that is watched, whole numbers as a person set them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

# Fewer runs than this on either side say nothing about how long a run takes.
LEAST_TIMED = 20


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Limits:
    """`slower` may pass 100: 100 lets the runs take twice the time."""

    failed_upgrades: int
    failed_runs: int
    with_exceptions: int
    slower: int
    least_runs: int


@dataclass(frozen=True)
class Seen:
    """Of one ring. `waiting` are those that people have to look at, or declined.

    `ms` and `ms_before` are milliseconds of single runs that ended well.
    """

    tried: int = 0
    failed_upgrades: int = 0
    upgraded: int = 0
    waiting: int = 0
    with_exceptions: int = 0
    runs: int = 0
    failed_runs: int = 0
    runs_before: int = 0
    failed_before: int = 0
    cases_failed: int = 0
    ms: tuple[float, ...] = ()
    ms_before: tuple[float, ...] = ()

    @classmethod
    def of(
        cls, places: Iterable[Mapping[str, Any]], *, tried: int, failed: int, waiting: int = 0
    ) -> Self:
        """From the measures of each installation that was upgraded (`RolloutPlace.measures`)."""
        each = list(places)
        return cls(
            tried=tried,
            failed_upgrades=failed,
            upgraded=len(each),
            waiting=waiting,
            with_exceptions=sum(bool(one.get("exceptions")) for one in each),
            runs=sum(one.get("runs", 0) for one in each),
            failed_runs=sum(one.get("failed", 0) for one in each),
            runs_before=sum(one.get("runs_before", 0) for one in each),
            failed_before=sum(one.get("failed_before", 0) for one in each),
            cases_failed=sum(one.get("cases_failed", 0) for one in each),
            ms=tuple(ms for one in each for ms in one.get("ms", ())),
            ms_before=tuple(ms for one in each for ms in one.get("ms_before", ())),
        )

    @property
    def p95(self) -> float | None:
        return percentile_95(self.ms)

    @property
    def p95_before(self) -> float | None:
        return percentile_95(self.ms_before)


@dataclass(frozen=True)
class Judged:
    verdict: Verdict
    why: str


def judge(seen: Seen, limits: Limits) -> Judged:
    """The first limit that is passed fails it; too few runs leave it open."""
    for why in (
        _cases(seen),
        _upgrades(seen, limits),
        _runs(seen, limits),
        _exceptions(seen, limits),
        _time(seen, limits),
    ):
        if why:
            return Judged(Verdict.FAILED, why)
    if seen.waiting and not seen.upgraded:
        return Judged(
            Verdict.UNSURE,
            f"None of the ring could be upgraded: {seen.waiting} wait for people, or declined.",
        )
    if seen.runs < limits.least_runs and seen.upgraded:
        return Judged(
            Verdict.UNSURE,
            f"Only {seen.runs} runs were seen since the upgrade, and {limits.least_runs} are "
            "needed to judge it.",
        )
    return Judged(Verdict.PASSED, _well(seen))


def _cases(seen: Seen) -> str:
    if not seen.cases_failed:
        return ""
    return f"{seen.cases_failed} of the template's own cases failed in a sandbox."


def _upgrades(seen: Seen, limits: Limits) -> str:
    if not _more_than(seen.failed_upgrades, seen.tried, limits.failed_upgrades):
        return ""
    return (
        f"{seen.failed_upgrades} of {seen.tried} upgrades failed; {limits.failed_upgrades} % are "
        "let pass."
    )


def _runs(seen: Seen, limits: Limits) -> str:
    """What failed as often before is not the release's fault."""
    if not _more_than(seen.failed_runs, seen.runs, limits.failed_runs):
        return ""
    before = seen.failed_before / seen.runs_before if seen.runs_before else 0.0
    if seen.failed_runs / seen.runs <= before:
        return ""
    told = f", {before:.0%} before" if seen.runs_before else ""
    return (
        f"{seen.failed_runs} of {seen.runs} runs failed since the upgrade{told}; "
        f"{limits.failed_runs} % are let pass."
    )


def _exceptions(seen: Seen, limits: Limits) -> str:
    if not _more_than(seen.with_exceptions, seen.upgraded, limits.with_exceptions):
        return ""
    return (
        f"{seen.with_exceptions} of {seen.upgraded} installations have a new exception; "
        f"{limits.with_exceptions} % are let pass."
    )


def _time(seen: Seen, limits: Limits) -> str:
    if min(len(seen.ms), len(seen.ms_before)) < LEAST_TIMED:
        return ""
    now, before = percentile_95(seen.ms), percentile_95(seen.ms_before)
    if not now or not before or now <= before * (100 + limits.slower) / 100:
        return ""
    return (
        f"Runs take {now:.0f} ms instead of {before:.0f} ms (95th percentile); "
        f"{limits.slower} % more are let pass."
    )


def _more_than(part: int, whole: int, percent: int) -> bool:
    return part * 100 > whole * percent


def _well(seen: Seen) -> str:
    return (
        f"{seen.upgraded} upgraded, {seen.runs} runs, {seen.failed_runs} of them failed, "
        f"{seen.with_exceptions} with a new exception."
    )


def percentile_95(values: Iterable[float]) -> float | None:
    """The nearest rank; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, -(-len(ordered) * 95 // 100) - 1)]
