"""Prepared requests over kept connections: what a client computes is not measured."""

import http.client
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field


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

    def work(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        own = []
        for shot in shots[first::connections]:
            began = time.perf_counter()
            connection.request("POST", path, shot.body, shot.headers)
            answer = connection.getresponse()
            said = answer.read()
            own.append((time.perf_counter() - began) * 1000)
            if answer.status not in expected:
                wrong.append(f"{answer.status}: {said[:200]!r}")
            if wrong:
                break
        connection.close()
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
