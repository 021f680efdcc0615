"""A rollout as people read it: ring by ring, what was done and what was seen."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from controlplane.catalog.models import Rollout, RolloutPlace
from controlplane.catalog.models.rollouts import SANDBOXES
from controlplane.catalog.rollouts.asking import get_rollout
from controlplane.catalog.rollouts.gate import Seen
from controlplane.catalog.rollouts.watching import seen

Status = RolloutPlace.Status
TONES = {
    Status.DONE: "success", Status.RUNNING: "info", Status.RETURNING: "info",
    Status.HELD: "warning", Status.ASKED: "warning", Status.EDITED: "warning",
    Status.BACK: "warning", Status.FAILED: "danger", Status.RETURNED: "plain",
}  # fmt: skip


WORDS = {
    "begun": _("Begun"),
    "ring_begun": _("Ring begun"),
    "upgraded": _("Ring upgraded, and watched"),
    "paused": _("Paused"),
    "resumed": _("Resumed"),
    "unsure": _("Paused: a person has to decide"),
    "taken_back": _("Taken back"),
    "returned": _("All is back"),
    "ended": _("Ended early"),
    "done": _("Done"),
}


@dataclass(frozen=True)
class Step:
    """What was done, by whom and why. `at` is aware."""

    words: str
    why: str
    by: str
    ring: int
    at: datetime


@dataclass(frozen=True)
class Share:
    """How many installations of a ring are in one state; `percent` of the ring, in whole ones."""

    status: Status
    count: int
    percent: int

    @property
    def label(self) -> str:
        return str(self.status.label)

    @property
    def tone(self) -> str:
        return TONES.get(self.status, "")


@dataclass(frozen=True)
class Ring:
    """`state` is one of past, now and to_come."""

    number: int
    share: int
    count: int
    state: str
    shares: list[Share]
    seen: Seen

    @property
    def is_sandboxes(self) -> bool:
        return self.number == SANDBOXES

    @property
    def done_percent(self) -> int:
        """Of what there is to do in it."""
        to_do = sum(each.count for each in self.shares if each.status in RolloutPlace.TO_DO)
        return 100 if not self.count else (self.count - to_do) * 100 // self.count

    @property
    def failed_percent(self) -> tuple[int, int]:
        """Of the runs before and since, in whole percent."""
        seen = self.seen
        return _percent(seen.failed_before, seen.runs_before), _percent(seen.failed_runs, seen.runs)

    @property
    def p95(self) -> tuple[float, float] | None:
        """Milliseconds before and since; None where one of both is not known."""
        before, now = self.seen.p95_before, self.seen.p95
        return None if before is None or now is None else (before, now)


def steps_of(rollout: Rollout) -> list[Step]:
    """The newest first."""
    return [
        Step(
            words=str(WORDS.get(one["what"], one["what"])),
            why=one["why"],
            by=one["by"],
            ring=one["ring"],
            at=datetime.fromisoformat(one["at"]),
        )
        for one in reversed(rollout.steps)
    ]


def told(rollout_id: uuid.UUID) -> list[Ring]:
    """The rings that have installations. Raises RolloutUnknown."""
    rollout = get_rollout(rollout_id)
    counts = rollout.places.counts()
    return [_ring(rollout, number, counts[number]) for number in sorted(counts)]


def _ring(rollout: Rollout, number: int, counts: dict[str, int]) -> Ring:
    total = sum(counts.values())
    is_over = number < rollout.ring or not rollout.is_under_way
    return Ring(
        number=number,
        share=0 if number == SANDBOXES else rollout.shares[number - 1],
        count=total,
        state="past" if is_over else "now" if number == rollout.ring else "to_come",
        shares=[
            Share(status, counts[status], counts[status] * 100 // total)
            for status in Status
            if status in counts
        ],
        seen=seen(rollout, number),
    )


def _percent(part: int, whole: int) -> int:
    return part * 100 // whole if whole else 0
