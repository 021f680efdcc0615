"""What is measured of n8n instances. They are named by id: a name may tell whose they are."""

from collections.abc import Iterable

from controlplane.core.measures import Gauge, Histogram, Sample, declare
from controlplane.instances.models import Instance

CHECKED = declare(
    Histogram(
        "pergola_n8n_check_seconds",
        "How long an instance took to answer the minute's check of its health.",
        ("instance",),
    )
)


def _up() -> Iterable[Sample]:
    well = {Instance.Health.OK: 1.0, Instance.Health.DEGRADED: 0.5}
    rows = Instance.objects.values_list("pk", "health")
    return [((str(pk),), well.get(Instance.Health(health), 0.0)) for pk, health in rows]


declare(
    Gauge(
        "pergola_n8n_up",
        "1 where an instance is well, 0.5 where it is degraded, 0 where it is down or unknown.",
        ("instance",),
        read=_up,
    )
)
