"""What became of each thing so far, read as the portal reads it, and drawn while it changes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from rich.console import Console
from rich.live import Live
from rich.table import Table

from controlplane.approvals.models import Approval
from controlplane.approvals.services import latest_for
from controlplane.events.models import Event
from deploy.demo.flows import flow_named
from deploy.demo.story import Chapter
from deploy.demo.world import Place
from tenants.context import inside

COLUMNS = ("Tenant", "Flow", "Subject", "", "n8n execution", "Verdict", "Approval", "Outcome")


@dataclass(frozen=True)
class Progress:
    """One thing's way: event → execution → verdict → approval → outcome."""

    place: Place
    chapter: Chapter
    event_id: str
    subject: str = ""
    figure: str = ""
    execution_id: str = ""
    verdict: str = ""
    approval_id: str = ""
    approval: str = ""
    outcome: str = ""
    seconds: float = 0.0
    sent_at: float = field(default_factory=time.monotonic)

    @property
    def waits_for_person(self) -> bool:
        return self.approval == Approval.Status.PENDING

    @property
    def is_as_expected(self) -> bool:
        return (self.verdict, self.outcome) == (self.chapter.verdict, self.chapter.outcome)

    def row(self) -> tuple[str, ...]:
        outcome = f"{self.outcome} after {self.seconds:.1f} s" if self.outcome else "…"
        return (
            self.place.tenant.name, self.chapter.flow, self.subject, self.figure or "…",
            self.execution_id or "…", self.verdict or "…",
            self.approval or ("–" if self.outcome else "…"), outcome,
        )  # fmt: skip


def look(progress: Progress) -> Progress:
    """The same thing as it stands now."""
    if progress.outcome:
        return progress
    with inside(progress.place.tenant):
        event = Event.objects.get(pk=progress.event_id)
        state = flow_named(progress.chapter.flow).look(progress.event_id)
        approval = latest_for(state.subject_type, state.subject_id) if state else None
    return replace(
        progress,
        subject=event.subject,
        execution_id=event.execution_id,
        figure=state.figure if state else "",
        verdict=state.verdict if state else "",
        approval_id=str(approval.pk) if approval else "",
        approval=approval.status if approval else "",
        outcome=state.outcome if state else "",
        seconds=time.monotonic() - progress.sent_at,
    )


@contextmanager
def shown(console: Console) -> Iterator[Callable[[list[Progress]], None]]:
    """A table that changes in place; in a log file, a line for each change."""
    if not console.is_terminal:
        yield _Lines(console).show
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield lambda progress: live.update(_table(progress))


def _table(progress: list[Progress]) -> Table:
    table = Table(*COLUMNS, title="On their way", title_justify="left")
    for one in progress:
        style = "yellow" if one.waits_for_person else "green" if one.outcome else ""
        table.add_row(*one.row(), style=style)
    return table


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[str, tuple[str, ...]] = {}

    def show(self, progress: list[Progress]) -> None:
        if progress and not self._last:
            titles = (column or "Figure" for column in COLUMNS)
            self._console.print("  " + " → ".join(titles), soft_wrap=True, markup=False)
        for one in progress:
            if self._last.get(one.event_id) != one.row():
                self._last[one.event_id] = one.row()
                self._console.print("  " + " → ".join(one.row()), soft_wrap=True, markup=False)
