"""Whose turn it is, with real threads: what is waited for is a state, never a length of time."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from controlplane.core.turns import Turns, Waited

LONG = 20.0


class People:
    """Threads that take a place and keep it until they are told to go."""

    def __init__(self, places: int) -> None:
        self.turns = Turns(places)
        self.served: list[str] = []
        self._leave: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def come(self, name: str) -> None:
        """`name` is the key and a number: "north 1". It stands in line when this returns."""
        key = name.split()[0]
        self._leave[name] = threading.Event()
        waiting = self._waiting(key)

        def work() -> None:
            with self.turns.turn(key, patience=LONG):
                self.served.append(name)
                self._leave[name].wait(LONG)

        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()
        until(lambda: name in self.served or self._waiting(key) > waiting)

    def go(self, name: str) -> None:
        until(lambda: name in self.served)
        self._leave[name].set()

    def all_go(self) -> None:
        for event in self._leave.values():
            event.set()
        for thread in self._threads:
            thread.join(LONG)

    def _waiting(self, key: str) -> int:
        return len(self.turns._waiting.get(key, ()))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture
def people() -> Iterator[Callable[[int], People]]:
    made: list[People] = []

    def make(places: int) -> People:
        made.append(People(places))
        return made[-1]

    yield make
    for group in made:
        group.all_go()


def test_one_tenant_holds_at_most_half_and_another_need_not_wait(people) -> None:
    here = people(4)
    for number in range(5):
        here.come(f"north {number}")

    here.come("south 1")

    until(lambda: len(here.served) == 3)
    assert here.served == ["north 0", "north 1", "south 1"]
    assert here.turns._free == 1


@pytest.mark.parametrize("places", [2, 3])
def test_of_few_places_each_tenant_gets_one(people, places: int) -> None:
    here = people(places)
    here.come("north 1")
    here.come("north 2")

    here.come("south 1")

    until(lambda: here.served == ["north 1", "south 1"])


def test_for_one_place_tenants_take_turns(people) -> None:
    here = people(1)
    for name in ("north 1", "north 2", "north 3", "south 1", "south 2", "west 1"):
        here.come(name)

    order = ["north 1", "south 1", "west 1", "north 2", "south 2", "north 3"]
    for name in order:
        here.go(name)

    until(lambda: len(here.served) == len(order))
    assert here.served == order


def test_who_comes_again_and_again_starves_nobody(people) -> None:
    here = people(1)
    here.come("north 1")
    here.come("south 1")
    here.come("south 2")
    here.go("north 1")
    until(lambda: "south 1" in here.served)

    for number in (2, 3):
        here.come(f"north {number}")
    here.go("south 1")
    here.go("north 2")

    until(lambda: len(here.served) == 4)
    assert here.served == ["north 1", "south 1", "north 2", "south 2"]


def test_the_wait_is_bounded_and_who_gave_up_takes_no_place(people) -> None:
    here = people(1)
    here.come("north 1")
    with pytest.raises(Waited), here.turns.turn("south", patience=0.05):
        raise AssertionError

    here.go("north 1")

    with here.turns.turn("south", patience=LONG):
        assert here.turns._free == 0
    until(lambda: here.turns._free == 1)
    assert not here.turns._waiting
    assert not here.turns._held


def test_an_error_gives_the_place_back() -> None:
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError), turns.turn("north", patience=LONG):
        raise ZeroDivisionError

    with turns.turn("south", patience=0):
        assert turns._free == 0
