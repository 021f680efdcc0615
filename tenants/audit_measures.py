"""What is measured of audit chains: whether they hold, and how long entries wait to be signed."""

from collections.abc import Iterable

from django.utils import timezone

from controlplane.audit.models import Checkpoint, Entry
from controlplane.core.measures import Sample
from tenants import measures

BROKEN = measures.gauge_of_tenants(
    "pergola_audit_chains_broken",
    "1 where entries do not follow the last checkpoint of the chain.",
)
UNSIGNED = measures.gauge_of_tenants(
    "pergola_audit_unsigned_seconds",
    "Age of the oldest audit entry that no checkpoint covers.",
    together=max,
)


def _broken() -> Iterable[Sample]:
    """The cheap sign: the entry that was signed last is another one. `verify_audit` finds all."""
    last = Checkpoint.objects.order_by("-number").values_list("sequence", "head").first()
    holds = last is None or Entry.objects.filter(sequence=last[0], hash=last[1]).exists()
    return [((), 0.0 if holds else 1.0)]


def _unsigned() -> Iterable[Sample]:
    last = Checkpoint.objects.order_by("-number").values_list("sequence", flat=True).first()
    waits = Entry.objects.filter(sequence__gt=last or 0).order_by("sequence")
    at = waits.values_list("at", flat=True).first()
    return [((), (timezone.now() - at).total_seconds() if at else 0.0)]


def feed() -> None:
    measures.feed(BROKEN, _broken)
    measures.feed(UNSIGNED, _unsigned)
