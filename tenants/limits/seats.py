"""The web server's threads in this process, of which no tenant takes the last one for long.

A tenant that is alone has them all. Where others have asked within the last seconds, the last
thread is for whoever holds less than half, so that a quiet tenant's request finds one while a
noisy tenant's wait for the database.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tenants.limits.refusal import LimitReached

ALONE_AFTER_SECONDS = 10.0


class Seats:
    def __init__(self, threads: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._threads = threads
        self._clock = clock
        self._asked_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    @contextmanager
    def seat(self, key: str) -> Iterator[None]:
        """One thread for the length of the block. Raises LimitReached at once, never waits."""
        with self._lock:
            self._asked_at[key] = self._clock()
            if self._is_too_many(key):
                raise LimitReached(
                    "This tenant has as many requests running at once as its share allows. Try "
                    "again in a second, with fewer at the same time.",
                    code="tenant_busy",
                    retry_after=1,
                )
            self._held[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[key] -= 1
                if not self._held[key]:
                    del self._held[key]

    def _is_too_many(self, key: str) -> bool:
        if self._held.total() < self._threads - 1 or self._held[key] < max(1, self._threads // 2):
            return False
        since = self._clock() - ALONE_AFTER_SECONDS
        self._asked_at = {other: at for other, at in self._asked_at.items() if at > since}
        return len(self._asked_at) > 1
