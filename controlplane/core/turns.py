"""A few places that many tenants want: none of them may keep all, and they take turns.

Threads that wait hold no database lock. Without Django, as in a benchmark, nobody else is there.
"""

import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager


class Waited(Exception):
    """The time to wait was up before there was a place."""


class _Waiter:
    def __init__(self) -> None:
        self.called = threading.Event()


class Turns:
    """`places` of which one key holds at most half, but one at least, however many it asks for.

    Also while nobody else asks: a place that is free when another comes is what keeps that one from
    waiting for the slowest document of the first. Keys take turns, each its own in order of coming.
    """

    def __init__(self, places: int) -> None:
        self.most_each = max(1, places // 2)
        self._free = places
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        # In the order of their turns: whoever was given a place, or gave one back, is the last.
        self._waiting: dict[str, deque[_Waiter]] = {}

    @contextmanager
    def turn(self, key: str, *, patience: float) -> Iterator[None]:
        """A place for the length of the block. Raises Waited after `patience` seconds."""
        self._take(key, patience)
        try:
            yield
        finally:
            self._give_back(key)

    def _take(self, key: str, patience: float) -> None:
        waiter = _Waiter()
        with self._lock:
            self._waiting.setdefault(key, deque()).append(waiter)
            self._call()
        if waiter.called.wait(patience):
            return
        with self._lock:
            if waiter.called.is_set():  # between the end of the wait and the lock
                return
            self._forget(key, waiter)
        raise Waited(key)

    def _give_back(self, key: str) -> None:
        with self._lock:
            self._free += 1
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]
            self._to_the_end(key)
            self._call()

    def _call(self) -> None:
        """Give the free places to those whose turn it is."""
        while self._free and (key := self._next()) is not None:
            waiter = self._waiting[key][0]
            self._forget(key, waiter)
            self._to_the_end(key)
            self._free -= 1
            self._held[key] += 1
            waiter.called.set()

    def _next(self) -> str | None:
        return next((key for key in self._waiting if self._held[key] < self.most_each), None)

    def _forget(self, key: str, waiter: _Waiter) -> None:
        self._waiting[key].remove(waiter)
        if not self._waiting[key]:
            del self._waiting[key]

    def _to_the_end(self, key: str) -> None:
        if key in self._waiting:
            self._waiting[key] = self._waiting.pop(key)


def entered_key() -> str:
    """The tenant's schema, as the key of its turns."""
    # Not above: the child of the sandbox imports this file, and has no Django.
    from django.conf import settings

    if not settings.configured:
        return ""
    from controlplane.core.schema import entered_schema

    return entered_schema()
