"""What became of an event, in one status and one sentence."""

from dataclasses import dataclass

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from controlplane.core.errors import DomainError
from controlplane.events.listening import WAITS_FOR_A_LISTENER
from controlplane.events.models import Delivery, Event
from controlplane.events.models.events import EventQuerySet
from controlplane.instances.models import Workspace


@dataclass(frozen=True)
class Fate:
    """`status` is a delivery's, or "unheard" where no workflow listens."""

    status: str
    label: str
    detail: str

    @property
    def is_open(self) -> bool:
        return self.status in {Delivery.Status.PENDING, Delivery.Status.CLAIMED}


def execution_url(event: Event) -> str:
    """Where n8n shows the run that took the event; empty before there is one."""
    if not event.execution_id or not event.workflow_id:
        return ""
    try:
        editor = Workspace.current().editor_base_url
    except DomainError:
        return ""
    return f"{editor}/workflow/{event.workflow_id}/executions/{event.execution_id}"


def with_deliveries(events: EventQuerySet) -> EventQuerySet:
    """Prefetched, as `fate_of` reads them."""
    return events.prefetch_related(
        Prefetch("deliveries", Delivery.objects.select_related("subscription"))
    )


def fate_of(event: Event) -> Fate:
    """By the delivery that needs attention most. In lists of events `with_deliveries`."""
    deliveries = list(event.deliveries.all())
    by_status = {delivery.status: delivery for delivery in reversed(deliveries)}
    if failed := by_status.get(Delivery.Status.FAILED):
        return Fate(failed.status, _("Given up"), failed.last_error)
    if Delivery.Status.PENDING in by_status:
        pending = next((one for one in deliveries if _is_on_its_way(one)), None)
        if pending is None:
            return _unheard(event)
        return Fate(pending.status, _("On its way"), pending.last_error)
    if claimed := by_status.get(Delivery.Status.CLAIMED):
        return Fate(claimed.status, _("Fetched by n8n"), claimed.last_error)
    if not deliveries:
        return _unheard(event)
    reached = ngettext("%d workflow has it", "%d workflows have it", len(deliveries))
    return Fate(Delivery.Status.DELIVERED, _("Delivered"), reached % len(deliveries))


def _is_on_its_way(delivery: Delivery) -> bool:
    listener = delivery.subscription
    is_heard = listener is not None and listener.stopped_at is None
    return is_heard and delivery.status == Delivery.Status.PENDING


def _unheard(event: Event) -> Fate:
    known = {"type": event.type, "days": WAITS_FOR_A_LISTENER.days}
    if timezone.now() - event.received_at < WAITS_FOR_A_LISTENER:
        detail = _("No active workflow listens to %(type)s. It waits %(days)d days for one.")
    else:
        detail = _("No workflow listened to %(type)s within %(days)d days. It starts none now.")
    return Fate("unheard", _("No listener"), detail % known)
