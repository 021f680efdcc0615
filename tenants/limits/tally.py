"""What one process counts by itself between two questions to Redis.

Where a tenant is far from its limit, Redis need not be asked for each request: the process takes a
few, and tells of them with the next one that it asks for. It takes so few that `PROCESSES` of them
together cannot pass the limit; near to it every request is asked for.
"""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

# For how many processes, each with its share untold, a limit holds to the last request.
PROCESSES = 64
MOST_UNTOLD = 32
# Then it asks again, though its share is not used up. What nobody came after is told when somebody
# does.
TOLD_WITHIN_SECONDS = 2.0
MOST_KEPT = 10_000


@dataclass
class _Share:
    size: int
    until: float
    untold: int = 0


class Tally:
    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._shares: dict[Hashable, _Share] = {}
        self._asked_at: dict[Hashable, float] = {}

    def take(self, counter: Hashable) -> int:
        """0 where the process counts this one itself; else how many Redis is to be told of, with
        this one."""
        with self._lock:
            share = self._shares.get(counter)
            if share is None:
                return 1
            if share.untold < share.size and self._clock() < share.until:
                share.untold += 1
                return 0
            del self._shares[counter]
            return share.untold + 1

    def was_asked_just_now(self, counter: Hashable) -> bool:
        """Before this time. Who comes seldom is better asked for each time: it is one message."""
        now = self._clock()
        with self._lock:
            if len(self._asked_at) >= MOST_KEPT:
                self._asked_at.clear()
            last = self._asked_at.get(counter)
            self._asked_at[counter] = now
        return last is not None and now - last < TOLD_WITHIN_SECONDS

    def allow(self, counter: Hashable, *, left: int) -> None:
        """Redis says that so many are left: the process may take its share of them."""
        if size := min(MOST_UNTOLD, left // PROCESSES):
            with self._lock:
                # Another thread asked too: what was counted of its share is still to be told.
                if counter in self._shares:
                    return
                if len(self._shares) >= MOST_KEPT:
                    self._shares.clear()
                self._shares[counter] = _Share(size, self._clock() + TOLD_WITHIN_SECONDS)

    def untold(self, counter: Hashable) -> int:
        with self._lock:
            share = self._shares.get(counter)
            return share.untold if share else 0

    def forget(self) -> None:
        with self._lock:
            self._shares.clear()
            self._asked_at.clear()
