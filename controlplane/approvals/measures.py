"""What is measured of approvals: how many wait, and for how long."""

from collections.abc import Iterable

from django.db.models import Count, Min
from django.utils import timezone

from controlplane.approvals.models import Approval
from controlplane.core.measures import Sample
from tenants import measures

WAITING = measures.gauge_of_tenants("pergola_approvals_waiting", "Approvals that nobody decided.")
OLDEST = measures.gauge_of_tenants(
    "pergola_approvals_oldest_seconds", "Age of the approval that waits longest.", together=max
)


def _asked() -> tuple[int, float]:
    found = Approval.objects.filter(status=Approval.Status.PENDING).aggregate(
        count=Count("pk"), oldest=Min("requested_at")
    )
    age = (timezone.now() - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    return found["count"], age


def _waiting() -> Iterable[Sample]:
    return [((), _asked()[0])]


def _oldest() -> Iterable[Sample]:
    return [((), _asked()[1])]


def feed() -> None:
    measures.feed(WAITING, _waiting)
    measures.feed(OLDEST, _oldest)
