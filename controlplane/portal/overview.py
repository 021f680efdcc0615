"""What the first page counts: what waits for people, what failed, and what was decided lately."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from controlplane.approvals.models import Approval
from controlplane.events.models import ExceptionCase
from controlplane.policies.models import Decision
from controlplane.policies.models.policies import VERDICTS
from controlplane.policies.verdicts import Verdict
from controlplane.portal.flips import percent_of

DAYS = 7
_KINDS = {Verdict.ACCEPT: "received", Verdict.HOLD: "tolerated", Verdict.REJECT: "over"}


@dataclass(frozen=True)
class VerdictBar:
    """`width` in percent of the widest, as text; `kind` names its colour in portal.css."""

    verdict: str
    label: Any
    value: int
    width: str
    kind: str


@dataclass(frozen=True)
class Overview:
    """`late`: exceptions past the time in which somebody should have seen to them."""

    approvals: int
    exceptions: int
    late: int
    verdicts: list[VerdictBar]

    @property
    def decisions(self) -> int:
        return sum(bar.value for bar in self.verdicts)


def overview(*, now: datetime | None = None) -> Overview:
    """Three questions to the database, however much there is."""
    now = now or timezone.now()
    exceptions = ExceptionCase.objects.unresolved().aggregate(
        open=Count("pk"), late=Count("pk", filter=Q(due_at__lt=now))
    )
    return Overview(
        approvals=Approval.objects.pending().count(),
        exceptions=exceptions["open"],
        late=exceptions["late"],
        verdicts=_verdicts(now),
    )


def _verdicts(now: datetime) -> list[VerdictBar]:
    found = (
        Decision.objects.filter(decided_at__gte=now - timedelta(days=DAYS))
        .order_by()
        .values_list("verdict")
        .annotate(Count("pk"))
    )
    counts: dict[str, int] = dict(found)
    widest = max([*counts.values(), 1])
    return [
        VerdictBar(
            value, label, counts.get(value, 0), percent_of(counts.get(value, 0), widest),
            _KINDS[Verdict(value)],
        )
        for value, label in VERDICTS
    ]  # fmt: skip
