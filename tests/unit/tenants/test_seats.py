"""The web server's threads: a noisy tenant never holds the last one."""

from contextlib import ExitStack

import pytest

from tenants.limits.refusal import LimitReached
from tenants.limits.seats import Seats


def test_a_tenant_that_is_alone_has_all_threads() -> None:
    seats = Seats(8)
    with ExitStack() as held:
        for _number in range(8):
            held.enter_context(seats.seat("only"))


def test_beside_another_it_has_all_threads_but_one() -> None:
    seats = Seats(8)
    with seats.seat("quiet"):
        pass
    with ExitStack() as held:
        for _number in range(7):
            held.enter_context(seats.seat("noisy"))

        with pytest.raises(LimitReached) as refused, seats.seat("noisy"):
            pass

    assert refused.value.code == "tenant_busy"
    assert refused.value.retry_after == 1


def test_whoever_has_not_asked_for_a_while_keeps_nothing_free() -> None:
    now = 0.0
    seats = Seats(2, clock=lambda: now)
    with seats.seat("quiet"):
        pass
    now = 60.0

    with seats.seat("noisy"), seats.seat("noisy"):
        pass


def test_the_last_thread_is_for_another() -> None:
    seats = Seats(8)
    with ExitStack() as held:
        for _number in range(7):
            held.enter_context(seats.seat("noisy"))

        with seats.seat("quiet"):
            pass


def test_a_thread_that_was_given_back_is_free_again() -> None:
    seats = Seats(2)
    for _number in range(5):
        with seats.seat("noisy"):
            pass


def test_a_server_with_one_thread_still_answers() -> None:
    with Seats(1).seat("only"):
        pass
