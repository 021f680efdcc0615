"""Whether a key calls far more often than it usually does, told from this process's own count."""

import threading
import time
from dataclasses import dataclass

# Calls of one key in one minute at one process, below which nothing is unusual.
FLOOR = 300
TIMES_THE_USUAL = 10
# How much of the usual rate the last minute is: an hour makes a habit, a burst does not.
WEIGHT = 0.02
MOST_KEYS = 10_000


@dataclass
class _Meter:
    minute: int
    count: int = 0
    usual: float = 0.0
    was_told: bool = False


class Bursts:
    """A count for each subject and minute. Kept in the process: a call costs no query."""

    def __init__(self) -> None:
        self._meters: dict[str, _Meter] = {}
        self._lock = threading.Lock()

    def begins(self, subject: str, *, at: float | None = None) -> bool:
        """Count a call; True for the first one of a minute that is too many.

        `at` is in seconds of a clock that never goes back.
        """
        minute = int(time.monotonic() if at is None else at) // 60
        with self._lock:
            meter = self._meters.get(subject)
            if meter is None:
                if len(self._meters) >= MOST_KEYS:
                    self._meters.clear()
                meter = self._meters[subject] = _Meter(minute)
            elif meter.minute != minute:
                # Minutes without a call count as well: whoever slept is not used to much.
                passed = minute - meter.minute
                meter.usual += WEIGHT * (meter.count - meter.usual)
                meter.usual *= (1 - WEIGHT) ** (passed - 1)
                meter.minute, meter.count, meter.was_told = minute, 0, False
            meter.count += 1
            if meter.was_told or meter.count <= max(FLOOR, TIMES_THE_USUAL * meter.usual):
                return False
            meter.was_told = True
            return True
