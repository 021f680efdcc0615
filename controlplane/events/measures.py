"""What is measured of events: what comes in, how long it waits, and how deliveries end."""

import time
import uuid
from collections.abc import Iterable

from django.db.models import Count, Min, Q
from django.utils import timezone

from controlplane.core.measures import TENANT, Counter, Gauge, Histogram, Sample, declare
from controlplane.events import circuit
from controlplane.events.models import ExceptionCase, OutboxMessage
from controlplane.instances.models import Workspace
from tenants import measures
from tenants.context import current_tenant

INTAKE = declare(
    Counter(
        "pergola_intake_total",
        "Requests to sources: accepted, duplicate or refused, and why refused.",
        (TENANT, "result", "reason"),
    )
)
DELIVERIES = declare(
    Counter(
        "pergola_deliveries_total",
        "Tries to deliver events to n8n: delivered, retried or failed.",
        (TENANT, "result"),
    )
)
N8N_CALLS = declare(
    Histogram(
        "pergola_n8n_call_seconds",
        "A call that starts a workflow or lets a run go on, until n8n answered or was given up.",
        ("instance", "result"),
    )
)
RELAYED = declare(
    Histogram(
        "pergola_outbox_handled_seconds",
        "From the commit of an outbox message until it was handled at the first try.",
        ("handler",),
    )
)
POSTPONED = declare(
    Counter("pergola_outbox_postponed_total", "Tries of outbox messages that failed.", ("handler",))
)


def count_delivery(result: str) -> None:
    """In the tenant: `delivered`, `retried` or `failed`."""
    DELIVERIES.add(current_tenant().pk, result)


def note_relayed(messages: Iterable[tuple[str, uuid.UUID, int]]) -> None:
    """Handler, id and failed tries of messages that were handled. An id is a UUIDv7 and says when
    it was written."""
    now = time.time()
    taken: dict[str, list[float]] = {}
    for handler, message, attempts in messages:
        if not attempts:
            taken.setdefault(handler, []).append(now - (message.int >> 80) / 1000)
    for handler, seconds in taken.items():
        RELAYED.observe_all(seconds, handler)


def _outbox() -> dict[str, float]:
    now = timezone.now()
    found = OutboxMessage.objects.aggregate(
        due=Count("pk", filter=Q(failed_at=None, due_at__lte=now)),
        oldest=Min("due_at", filter=Q(failed_at=None, due_at__lte=now)),
        given_up=Count("pk", filter=Q(failed_at__isnull=False)),
    )
    oldest = (now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    return {"due": found["due"], "given_up": found["given_up"], "oldest": oldest}


def _standing() -> Iterable[Sample]:
    found = _outbox()
    return [((state,), found[state]) for state in ("due", "given_up")]


declare(
    Gauge(
        "pergola_outbox_messages",
        "Outbox messages that are due, or were given up.",
        ("state",),
        read=_standing,
    )
)
declare(
    Gauge(
        "pergola_outbox_oldest_due_seconds",
        "Age of the oldest outbox message that is due: how far the relay lags behind.",
        read=lambda: [((), _outbox()["oldest"])],
    )
)


def _open_exceptions() -> Iterable[Sample]:
    open_ones = ExceptionCase.objects.unresolved().order_by().values_list("type")
    return [((kind,), count) for kind, count in open_ones.annotate(count=Count("pk"))]


CIRCUIT_OPEN = measures.gauge_of_tenants(
    "pergola_circuit_open",
    "1 while a tenant's calls to its n8n are held back because it did not answer, else 0.",
    labels=("instance",),
    together=max,
)


def _circuit() -> Iterable[Sample]:
    found = Workspace.objects.values_list("instance_id", flat=True)
    return [((str(instance),), float(circuit.is_open(instance))) for instance in found]


def feed() -> None:
    measures.feed(measures.EXCEPTIONS_OPEN, _open_exceptions)
    measures.feed(CIRCUIT_OPEN, _circuit)
