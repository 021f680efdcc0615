"""What a process counts by itself: little, for a short time, and never near a limit."""

import pytest

from tenants.limits import tally
from tenants.limits.tally import Tally

COUNTER = ("requests", "t_north")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counts(clock: Clock) -> Tally:
    return Tally(clock=clock)


def test_each_is_asked_for_until_there_is_plenty(counts: Tally) -> None:
    assert [counts.take(COUNTER) for _time in range(3)] == [1, 1, 1]

    counts.allow(COUNTER, left=tally.PROCESSES - 1)

    assert counts.take(COUNTER) == 1


def test_a_share_is_told_with_the_one_after_it(counts: Tally) -> None:
    counts.allow(COUNTER, left=3 * tally.PROCESSES)

    assert [counts.take(COUNTER) for _time in range(5)] == [0, 0, 0, 4, 1]


def test_no_share_is_larger_than_what_all_processes_may_leave_untold(counts: Tally) -> None:
    counts.allow(COUNTER, left=10**9)

    taken = [counts.take(COUNTER) for _time in range(tally.MOST_UNTOLD + 1)]

    assert taken == [0] * tally.MOST_UNTOLD + [tally.MOST_UNTOLD + 1]


def test_together_the_processes_stay_below_the_limit() -> None:
    left, processes = 1000, [Tally() for _number in range(tally.PROCESSES)]
    for each in processes:
        each.allow(COUNTER, left=left)

    untold = sum(each.take(COUNTER) == 0 for each in processes for _time in range(left))

    assert untold <= left


def test_what_was_taken_is_told_soon(counts: Tally, clock: Clock) -> None:
    counts.allow(COUNTER, left=10**9)
    assert counts.take(COUNTER) == 0

    clock.now += tally.TOLD_WITHIN_SECONDS

    assert counts.untold(COUNTER) == 1
    assert counts.take(COUNTER) == 2
    assert counts.untold(COUNTER) == 0


def test_a_share_is_of_one_counter(counts: Tally) -> None:
    counts.allow(COUNTER, left=10**9)

    assert counts.take(("requests", "t_south")) == 1


def test_who_comes_seldom_is_asked_for_each_time(counts: Tally, clock: Clock) -> None:
    assert not counts.was_asked_just_now(COUNTER)
    clock.now += 1
    assert counts.was_asked_just_now(COUNTER)
    clock.now += 2 * tally.TOLD_WITHIN_SECONDS
    assert not counts.was_asked_just_now(COUNTER)


def test_threads_that_ask_at_once_leave_nothing_untold(counts: Tally) -> None:
    told = counts.take(COUNTER) + counts.take(COUNTER)
    counts.allow(COUNTER, left=10**9)
    served = 2 + sum(counts.take(COUNTER) == 0 for _time in range(10))
    counts.allow(COUNTER, left=10**9)  # the other one's answer comes later

    assert counts.untold(COUNTER) == served - told
