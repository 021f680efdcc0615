"""Prepared requests over kept connections: what a client computes is not measured."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.wire import Wire, head_of


@dataclass(frozen=True)
class Shot:
    body: bytes
    headers: dict[str, str]


@dataclass
class Volley:
    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds


def fire(
    port: int, path: str, shots: Sequence[Shot], *, connections: int, expected: set[int]
) -> Volley:
    """Send every shot once, from so many connections. Raises RuntimeError for another status."""
    volley, lock, wrong = Volley(), threading.Lock(), list[str]()

    ready = [(head_of(path, shot.headers), shot.body) for shot in shots]

    def work(first: int) -> None:
        own = []
        with Wire(port, timeout=120) as wire:
            for head, body in ready[first::connections]:
                began = time.perf_counter()
                status, said = wire.post(head, body)
                own.append((time.perf_counter() - began) * 1000)
                if status not in expected:
                    wrong.append(f"{status}: {said[:200]!r}")
                if wrong:
                    break
        with lock:
            volley.milliseconds += own

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    volley.seconds = time.perf_counter() - began
    if wrong:
        raise RuntimeError(wrong[0])
    return volley
