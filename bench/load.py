"""Requests over kept connections, from threads of this process, for some seconds."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.wire import Wire, head_of

Headers = dict[str, str]


@dataclass
class Load:
    """Milliseconds of each answer, by status."""

    seconds: float
    milliseconds: dict[int, list[float]] = field(default_factory=dict)

    def of(self, status: int) -> list[float]:
        return self.milliseconds.get(status, [])

    @property
    def per_second(self) -> float:
        return len(self.of(200)) / self.seconds


def post(
    port: int,
    path: str,
    *,
    headers: Sequence[Headers],
    body: Callable[[int], Any],
    connections: int,
    seconds: float,
    pause: float = 0.0,
) -> Load:
    """Each of `connections` threads posts one after the other, going round `headers`.

    `pause` in seconds between two requests of a thread. Raises RuntimeError for a status of 500
    or above: what failed is no measurement.
    """
    load = Load(seconds)
    lock = threading.Lock()
    failed: list[str] = []
    until = time.perf_counter() + seconds

    json_headers = {"Content-Type": "application/json"}
    heads = [head_of(path, json_headers | each) for each in headers]

    def work(first: int) -> None:
        number, own = first, []
        with Wire(port, timeout=60) as wire:
            while time.perf_counter() < until and not failed:
                text = json.dumps(body(number)).encode()
                began = time.perf_counter()
                status, said = wire.post(heads[number % len(heads)], text)
                own.append((status, (time.perf_counter() - began) * 1000))
                if status >= 500:
                    failed.append(f"{status}: {said[:300]!r}")
                number += connections
                if pause:
                    time.sleep(pause)
        with lock:
            for status, taken in own:
                load.milliseconds.setdefault(status, []).append(taken)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(failed[0])
    return load
