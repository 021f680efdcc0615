"""What is counted and timed, for whoever watches the installation.

Each process adds up in memory and hands over to Redis every two seconds, so that counting costs a
request next to nothing, and one scrape of any web process shows all processes on all machines. What
a process had not handed over when it was killed is lost: these are measures, not books.

Labels hold an id of a tenant or instance, or a word of Pergola's own. Never customer data.
"""

import collections
import os
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import redis
from django.conf import settings

from controlplane.core.logs import get_logger

KEY = "pergola-measures"
SECONDS = 2.0
SEPARATOR = "\x1f"
TENANT = "tenant"
"""The label whose number of values is bounded, by METRICS_MAX_TENANTS."""
QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

log = get_logger(__name__)

Sample = tuple[Sequence[str], float]
Read = Callable[[], Iterable[Sample]]


@dataclass(frozen=True)
class Family:
    """One measure: its name, what it is, and the names of its labels."""

    name: str
    about: str
    labels: tuple[str, ...] = ()


class Counter(Family):
    """What only grows. Its name ends in `_total`."""

    def add(self, *labels: object, amount: float = 1) -> None:
        _add({self._field(*labels): amount})

    def _field(self, *labels: object) -> str:
        assert len(labels) == len(self.labels), f"{self.name} has the labels {self.labels}"
        return SEPARATOR.join([self.name, *(str(label) for label in labels)])


@dataclass(frozen=True)
class Histogram(Family):
    """How long something took, in seconds, by buckets."""

    buckets: tuple[float, ...] = QUICK

    def observe(self, seconds: float, *labels: object) -> None:
        self.observe_all([seconds], *labels)

    def observe_all(self, seconds: Sequence[float], *labels: object) -> None:
        """As `observe` for each, handed over together."""
        assert len(labels) == len(self.labels), f"{self.name} has the labels {self.labels}"
        stem = SEPARATOR.join([self.name, *(str(label) for label in labels)])
        # Each in its own bucket alone: they are added up when somebody asks.
        counts = collections.Counter(bisect_left(self.buckets, each) for each in seconds)
        found: dict[str, float] = {f"{stem}{SEPARATOR}sum": sum(max(each, 0.0) for each in seconds)}
        for place, count in counts.items():
            bucket = str(self.buckets[place]) if place < len(self.buckets) else "+Inf"
            found[f"{stem}{SEPARATOR}{bucket}"] = count
        _add(found)


@dataclass(frozen=True)
class Gauge(Family):
    """What is so now. `read` runs at a scrape, in the shared schema: one query at most.

    A gauge of tenants has the tenant as its first label and no `read`: `tenants.measures` asks
    inside each tenant once a minute. `together` says how the tenants beyond the bound are told.
    """

    read: Read | None = None
    together: Callable[[Iterable[float]], float] = field(default=sum)


_families: dict[str, Family] = {}
F = TypeVar("F", bound=Family)


def declare(family: F) -> F:
    """At import: from now on it is told at each scrape. Raises ValueError for a name twice."""
    if family.name in _families:
        raise ValueError(f"{family.name} is declared twice")
    _families[family.name] = family
    return family


def declared() -> Mapping[str, Family]:
    return dict(_families)


class _Pending:
    """What this process has not handed over yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.amounts: dict[str, float] = {}
        self.thread: threading.Thread | None = None


_pending = _Pending()


def _anew() -> None:
    """In the child of a fork: the parent hands over what it had, and has the thread."""
    global _pending
    _pending = _Pending()


os.register_at_fork(after_in_child=_anew)


def _add(amounts: Mapping[str, float]) -> None:
    pending = _pending
    with pending.lock:
        for name, amount in amounts.items():
            if name in pending.amounts or len(pending.amounts) < settings.METRICS_MAX_SERIES:
                pending.amounts[name] = pending.amounts.get(name, 0) + amount
        if pending.thread is None:
            pending.thread = threading.Thread(
                target=_hand_over_always, name="measures", daemon=True, args=(threading.Event(),)
            )
            pending.thread.start()


def _hand_over_always(never: threading.Event) -> None:
    while not never.wait(SECONDS):
        try:
            hand_over()
        except redis.RedisError as error:
            log.warning("measures.kept_back", why=type(error).__name__)


def hand_over() -> None:
    """Add to what all processes have counted. Kept for the next time where Redis is away, and
    raises RedisError then."""
    pending = _pending
    with pending.lock:
        amounts, pending.amounts = pending.amounts, {}
    if not amounts:
        return
    try:
        with store() as shared, shared.pipeline(transaction=True) as pipe:
            for name, amount in amounts.items():
                pipe.hincrbyfloat(KEY, name, amount)
            pipe.execute()
    except redis.RedisError:
        with pending.lock:
            for name, amount in amounts.items():
                pending.amounts[name] = pending.amounts.get(name, 0) + amount
        raise


def counted() -> dict[str, float]:
    """What all processes have handed over, by field. Raises RedisError."""
    with store() as shared:
        found = shared.hgetall(KEY)
    return {name.decode(): float(amount) for name, amount in found.items()}


def forget(which: Callable[[str], bool]) -> None:
    """Of what was counted, the fields that go, such as those of a tenant that has left."""
    with store() as shared:
        if gone := [name for name in shared.hkeys(KEY) if which(name.decode())]:
            shared.hdel(KEY, *gone)


def store() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
