"""When a key calls far more often than it usually does."""

from tenants.security.bursts import FLOOR, Bursts


def calls(bursts: Bursts, number: int, *, minute: int) -> int:
    """How many of them began a burst."""
    return sum(bursts.begins("key", at=minute * 60.0 + n / number) for n in range(number))


def test_what_is_below_the_floor_is_usual() -> None:
    assert calls(Bursts(), FLOOR, minute=0) == 0


def test_a_burst_begins_once_a_minute() -> None:
    bursts = Bursts()

    assert calls(bursts, 3 * FLOOR, minute=0) == 1
    assert calls(bursts, 3 * FLOOR, minute=1) == 1


def test_who_always_calls_much_is_used_to_it() -> None:
    bursts = Bursts()
    told = [calls(bursts, FLOOR, minute=minute) for minute in range(120)]

    assert sum(told) == 0
    assert calls(bursts, 5 * FLOOR, minute=120) == 0
    assert calls(bursts, 30 * FLOOR, minute=121) == 1


def test_who_slept_is_not_used_to_much_any_more() -> None:
    bursts = Bursts()
    for minute in range(120):
        calls(bursts, FLOOR, minute=minute)

    assert calls(bursts, 5 * FLOOR, minute=500) == 1


def test_one_key_says_nothing_of_another() -> None:
    bursts = Bursts()
    calls(bursts, FLOOR, minute=0)

    assert not bursts.begins("other", at=1.0)
