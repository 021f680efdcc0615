"""Answers that a process keeps for some seconds, since they are asked for at every request."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")
MOST = 10_000


class Kept(Generic[ValueT]):
    """By name, for `seconds`."""

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds
        self._found: dict[str, tuple[float, ValueT]] = {}

    def get(self, name: str, find: Callable[[], ValueT]) -> ValueT:
        now = time.monotonic()
        if (hit := self._found.get(name)) and now - hit[0] < self.seconds:
            return hit[1]
        if len(self._found) >= MOST:
            self._found.clear()
        value = find()
        self._found[name] = (now, value)
        return value

    def forget(self) -> None:
        self._found.clear()
