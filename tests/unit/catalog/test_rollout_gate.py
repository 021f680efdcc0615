"""When a ring lets the next one begin."""

import uuid
from typing import Any

import pytest

from controlplane.catalog.rollouts.gate import Limits, Seen, Verdict, judge, percentile_95
from controlplane.catalog.rollouts.placing import rings_of

LIMITS = Limits(failed_upgrades=10, failed_runs=5, with_exceptions=5, slower=100, least_runs=1)


def seen(**changes: Any) -> Seen:
    given: dict[str, Any] = {"tried": 20, "upgraded": 20, "runs": 100, "runs_before": 100}
    return Seen(**given | changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"failed_upgrades": 3}, "3 of 20 upgrades failed"),
        ({"failed_runs": 6}, "6 of 100 runs failed since the upgrade, 0% before"),
        ({"with_exceptions": 2}, "2 of 20 installations have a new exception"),
        ({"cases_failed": 1}, "1 of the template's own cases failed"),
        ({"ms": (90,) * 20, "ms_before": (30,) * 20}, "90 ms instead of 30 ms"),
    ],
)
def test_what_is_above_a_limit_fails_it_and_says_so(changes: dict[str, Any], told: str) -> None:
    judged = judge(seen(**changes), LIMITS)
    assert judged.verdict == Verdict.FAILED
    assert told in judged.why


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"failed_upgrades": 2},
        {"failed_runs": 5},
        {"with_exceptions": 1},
        {"ms": (60,) * 20, "ms_before": (30,) * 20},
        {"ms": (900,) * 19, "ms_before": (30,) * 20},
        {"upgraded": 0, "tried": 0, "runs": 0},
    ],
)
def test_what_is_at_a_limit_passes(changes: dict[str, Any]) -> None:
    assert judge(seen(**changes), LIMITS).verdict == Verdict.PASSED


def test_what_failed_as_often_before_is_not_the_release() -> None:
    assert judge(seen(failed_runs=20, failed_before=20), LIMITS).verdict == Verdict.PASSED
    assert judge(seen(failed_runs=20, failed_before=19), LIMITS).verdict == Verdict.FAILED


def test_without_runs_nobody_knows() -> None:
    assert judge(seen(runs=0), LIMITS).verdict == Verdict.UNSURE
    assert judge(seen(tried=0, upgraded=0, waiting=3), LIMITS).verdict == Verdict.UNSURE


def test_the_95th_percentile_is_the_nearest_rank() -> None:
    assert percentile_95([]) is None
    assert percentile_95([7]) == 7
    assert percentile_95(range(1, 101)) == 95
    assert percentile_95(range(1, 21)) == 19


class _Place:
    def __init__(self, *, is_sandbox: bool = False) -> None:
        self.pk, self.is_sandbox = uuid.uuid4(), is_sandbox


def test_rings_are_shares_of_production_after_the_sandboxes() -> None:
    places = [_Place() for _ in range(100)]
    boxes = [_Place(is_sandbox=True) for _ in range(3)]
    found: Any = [(each, each) for each in (*boxes, *places)]

    rings = rings_of(found, [5, 25, 100], seed=uuid.uuid4())

    counted = [list(rings.values()).count(ring) for ring in range(4)]
    assert counted == [3, 5, 20, 75]
    assert all(rings[box.pk] == 0 for box in boxes)


def test_each_ring_has_one_of_a_few_and_another_rollout_begins_elsewhere() -> None:
    places = [_Place() for _ in range(10)]
    found: Any = [(each, each) for each in places]
    first = [
        next(
            pk for pk, ring in rings_of(found, [1, 2, 100], seed=uuid.uuid4()).items() if ring == 1
        )
        for _ in range(20)
    ]
    assert len(set(first)) > 1
    rings = rings_of(found, [1, 2, 100], seed=uuid.uuid4())
    assert [list(rings.values()).count(ring) for ring in (1, 2, 3)] == [1, 1, 8]
