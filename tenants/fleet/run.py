"""The whole fleet: the shared schema first, then every tenant that is behind."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

from django.conf import settings
from django.utils import timezone

from tenants import grants
from tenants.fingerprint import current_fingerprint
from tenants.fleet.behind import standing_tenants, tenants_behind, without_result
from tenants.fleet.crew import Crew, Outcome
from tenants.fleet.display import Silent
from tenants.fleet.migrator import Migrator
from tenants.fleet.sessions import only_one
from tenants.fleet.shared import migrate_shared, shared_is_current
from tenants.models import FleetResult, FleetRun

# Of failures, in memory and on the screen; all of them are rows of FleetResult.
MOST_SHOWN = 20


@dataclass
class Summary:
    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    shared_was_current: bool = True
    was_stopped: bool = False
    failures: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        if outcome.failure is None:
            self.done += 1
            return
        self.failed += 1
        if len(self.failures) < MOST_SHOWN:
            self.failures.append(outcome)


class Display(Protocol):
    def start(self, total: int) -> None: ...
    def show(self, outcome: Outcome) -> None: ...
    def stop(self) -> None: ...


def migrate_fleet(
    *,
    display: Display | None = None,
    slugs: Sequence[str] = (),
    jobs: int = 4,
    lock_timeout: float = 2.0,
    tries: int = 6,
    wait: float = 1.0,
    renew_rights: bool = False,
) -> Summary:
    """Bring everything to today's migrations and rights; what is there already costs one query.

    `slugs` names some tenants instead of all. A tenant whose tables are locked for longer than
    `lock_timeout` seconds is tried `tries` times, first after `wait` seconds, then after twice as
    long each time. One that fails stops no other; a second call does what is left. SIGINT and
    SIGTERM let running transactions end.

    Raises FleetIsMigrated, and whatever the shared schema's own migrations raise.
    """
    began = time.perf_counter()
    display = display or Silent()
    with only_one():
        summary = Summary(shared_was_current=shared_is_current() and not renew_rights)
        if not summary.shared_was_current:
            migrate_shared()
        behind = tenants_behind(slugs, everyone=renew_rights)
        summary.total = behind.count()
        summary.skipped = standing_tenants(slugs).count() - summary.total
        if summary.total or not summary.shared_was_current:
            run = _begun(summary)
            migrator = Migrator(run, lock_timeout=lock_timeout, all_rights=renew_rights)
            with Crew(migrator, jobs=jobs, tries=tries, wait=wait) as crew:
                _follow(crew, run, summary, display, lambda: without_result(behind, run))
    summary.seconds = time.perf_counter() - began
    return summary


def _begun(summary: Summary) -> FleetRun:
    return FleetRun.objects.using("owner").create(
        started_at=timezone.now(),
        fingerprint=current_fingerprint(),
        shared_rights=grants.shared_digest(),
        release=settings.RELEASE,
        total=summary.total,
        skipped=summary.skipped,
    )


def _follow(
    crew: Crew,
    run: FleetRun,
    summary: Summary,
    display: Display,
    behind: Callable[[], Iterator[Any]],
) -> None:
    display.start(summary.total)
    noted = time.monotonic()
    try:
        with _stopping_on_signals(crew):
            for outcome in crew.migrate(behind):
                summary.add(outcome)
                if outcome.failure:
                    _keep(run, outcome)
                display.show(outcome)
                if time.monotonic() - noted > 1:
                    _count(run, summary)
                    noted = time.monotonic()
            summary.was_stopped = crew.is_stopped
    finally:
        display.stop()
    # Some may have come meanwhile.
    summary.total = max(summary.total, summary.done + summary.failed)
    run.finished_at = timezone.now()
    _count(run, summary)


def _count(run: FleetRun, summary: Summary) -> None:
    run.total, run.done, run.failed = summary.total, summary.done, summary.failed
    run.save(using="owner", update_fields=["total", "done", "failed", "finished_at", "updated_at"])


def _keep(run: FleetRun, outcome: Outcome) -> None:
    assert outcome.failure is not None
    FleetResult.objects.using("owner").create(
        run=run, tenant=outcome.tenant, seconds=outcome.seconds, error=outcome.failure.text
    )


@contextmanager
def _stopping_on_signals(crew: Crew) -> Iterator[None]:
    """The first one stops the crew, the second one acts as it always did."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        crew.stop()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
