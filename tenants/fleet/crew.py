"""Workers that migrate tenants side by side, and when a tenant is tried again."""

import heapq
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from types import TracebackType
from typing import Self

from django.db import connections

from tenants.fleet.failures import Failure, explain
from tenants.fleet.migrator import ALIAS, Migrator
from tenants.models import Tenant

# A connection keeps about a megabyte for each schema that it touched, until it ends.
TENANTS_PER_CONNECTION = 100
LONGEST_WAIT = 30.0


@dataclass(frozen=True, order=True)
class Task:
    due: float
    tenant_id: str
    tenant: Tenant
    attempt: int = 1


@dataclass(frozen=True)
class Outcome:
    tenant: Tenant
    seconds: float
    failure: Failure | None = None


class Crew:
    """`jobs` threads, each with an owner connection of its own.

    What is waiting is bounded: a few tenants a worker, and those that are to be tried again.
    """

    def __init__(self, migrator: Migrator, *, jobs: int, tries: int, wait: float = 1.0) -> None:
        self._migrator = migrator
        self._tries, self._wait = tries, wait
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Task, Outcome | None]] = SimpleQueue()
        self._later: list[Task] = []
        self._threads = [
            Thread(target=self._work, name=f"fleet-{number}") for number in range(jobs)
        ]
        self._stopped = Event()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Finish the transactions that run, and begin no other."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def migrate(self, behind: Callable[[], Iterator[Tenant]]) -> Iterator[Outcome]:
        """How each tenant came out. `behind` is asked again at the end, for new ones."""
        source, running = behind(), 0
        while True:
            while running < 2 * len(self._threads) and (task := self._next(source)):
                self._tasks.put(task)
                running += 1
            if not running and (self.is_stopped or not self._later):
                source = behind()
                if self.is_stopped or (tenant := next(source, None)) is None:
                    return
                self._later.append(_task(tenant))
                continue
            try:
                task, outcome = self._done.get(timeout=0.1)
            except Empty:
                continue
            running -= 1
            if outcome is None:  # not begun, since we were stopped
                continue
            if self._again(task, outcome):
                continue
            yield outcome

    def _next(self, source: Iterator[Tenant]) -> Task | None:
        """What is due again, else a new one."""
        if self.is_stopped:
            return None
        if self._later and self._later[0].due <= time.monotonic():
            return heapq.heappop(self._later)
        tenant = next(source, None)
        return _task(tenant) if tenant else None

    def _again(self, task: Task, outcome: Outcome) -> bool:
        failure = outcome.failure
        if failure is None or not failure.may_pass or task.attempt >= self._tries:
            return False
        wait = min(self._wait * 2 ** (task.attempt - 1), LONGEST_WAIT)
        due = time.monotonic() + wait
        heapq.heappush(
            self._later, Task(due, task.tenant_id, task.tenant, attempt=task.attempt + 1)
        )
        return True

    def _work(self) -> None:
        try:
            number = 0
            while (task := self._tasks.get()) is not None:
                outcome = None if self.is_stopped else self._outcome(task)
                self._done.put((task, outcome))
                number += outcome is not None
                if number % TENANTS_PER_CONNECTION == 0:
                    connections[ALIAS].close()
        finally:
            connections.close_all()

    def _outcome(self, task: Task) -> Outcome:
        began = time.perf_counter()
        failure = None
        try:
            self._migrator.migrate(task.tenant)
        # Whatever a data migration raises, also SystemExit: it is this tenant's and no other's.
        except BaseException as error:
            failure = explain(error, connection=connections[ALIAS], schema=task.tenant.schema_name)
        return Outcome(task.tenant, time.perf_counter() - began, failure)


def _task(tenant: Tenant) -> Task:
    return Task(0.0, str(tenant.pk), tenant)
