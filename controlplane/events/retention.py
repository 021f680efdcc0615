"""How long events and the answers of operations are kept."""

from django.utils.translation import gettext_lazy as _

from controlplane.events.models import Delivery, Event, LedgerEntry
from tenants.retention.classes import DataClass, Rows, RowStore, hold_back, register_class


def register() -> None:
    register_class(
        DataClass(
            "events",
            _("Events"),
            _("What came in from shops and other systems, as it was sent, and its deliveries."),
            [RowStore(Event, "received_at")],
        )
    )
    register_class(
        DataClass(
            "calls",
            _("Operation calls"),
            _("Answers to workflows, kept so that a repeated call acts once."),
            [RowStore(LedgerEntry, "created_at")],
        )
    )
    hold_back(Event, _without_deliveries_under_way)


def _without_deliveries_under_way(events: Rows) -> Rows:
    under_way = Delivery.objects.filter(
        status__in=[Delivery.Status.PENDING, Delivery.Status.CLAIMED]
    )
    return events.exclude(pk__in=under_way.values("event"))
