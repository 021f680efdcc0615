"""The web server's threads in this process, of which no tenant takes the last one for long.

A tenant that is alone has them all but one. The last is for whoever holds less than half, so that
a request of a quiet tenant finds a thread while a noisy one waits for the database.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tenants.limits.refusal import LimitReached


class Seats:
    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    @contextmanager
    def seat(self, key: str) -> Iterator[None]:
        """One thread for the length of the block. Raises LimitReached at once, never waits."""
        with self._lock:
            taken = self._held.total()
            if taken >= self._threads - 1 and self._held[key] >= max(1, self._threads // 2):
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
