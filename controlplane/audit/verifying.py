"""A verification that a person started: it runs in the background and says how far it is."""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.core.cache import cache
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.audit.services import record
from controlplane.audit.verification import verify_chain
from controlplane.core.actor import Actor
from controlplane.core.jobs import enqueue_on_commit

# The cache's keys are the tenant's own.
KEY = "audit-verification"
KEPT = 24 * 3600
STUCK = 15 * 60.0


@dataclass(frozen=True)
class Verification:
    """`done` of `total` entries; `ended_at` is a time in ISO 8601, "" while it runs."""

    total: int
    done: int = 0
    started_at: str = ""
    ended_at: str = ""
    by: str = ""
    broken_at: int | None = None
    reason: str = ""
    checkpoints: int = 0

    @property
    def is_running(self) -> bool:
        return not self.ended_at

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.total) if self.total else 0


def current_verification() -> Verification | None:
    """The one that runs, or the last one of a day."""
    known = cache.get(KEY)
    return Verification(**known) if known else None


def start_verification(*, by: Actor) -> Verification:
    """Have the chain that is entered verified. Where one runs already, that one is given."""
    known = current_verification()
    if known and known.is_running and not _is_stuck(known):
        return known
    started = Verification(Entry.objects.count(), started_at=_now(), by=by.label)
    _keep(started)
    enqueue_on_commit("audit.verify", by_kind=by.kind, by_id=by.id, by_label=by.label)
    return started


def run_verification(*, by: Actor) -> Verification:
    """Walk the chain, say how far it is, and put the result into the chain itself."""
    started_at, total = _now(), Entry.objects.count()

    def progress(done: int) -> None:
        _keep(Verification(total, done, started_at=started_at, by=by.label))

    state = verify_chain(progress=progress)
    ended = Verification(
        total=total,
        done=state.entries,
        started_at=started_at,
        ended_at=_now(),
        by=by.label,
        broken_at=state.broken_at,
        reason=state.reason,
        checkpoints=state.checkpoints,
    )
    record(
        action="audit.verified",
        subject_type="audit",
        subject_id=str(state.last),
        data={"entries": state.entries, "broken_at": state.broken_at, "reason": state.reason},
        by=by,
    )
    _keep(ended)
    return ended


def _is_stuck(known: Verification) -> bool:
    """A worker that died tells nobody."""
    began = datetime.fromisoformat(known.started_at)
    return (timezone.now() - began).total_seconds() > STUCK


def _keep(verification: Verification) -> None:
    cache.set(KEY, asdict(verification), timeout=KEPT)


def _now() -> str:
    return timezone.now().isoformat()
