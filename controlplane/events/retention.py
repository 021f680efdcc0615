"""How long events and the answers of operations are kept."""

from django.utils.translation import gettext_lazy as _

from controlplane.events.models import (
    Delivery,
    Event,
    ExceptionCase,
    LedgerEntry,
    Subscription,
)
from tenants.retention.classes import DataClass, Rows, RowStore, hold_back, register_class


def register() -> None:
    register_class(
        DataClass(
            "exceptions",
            _("Exceptions"),
            _("What went wrong on the way, who handled it and how."),
            [RowStore(ExceptionCase, "opened_at")],
        )
    )
    register_class(
        DataClass(
            "events",
            _("Events"),
            _("What came in from shops and other systems, as it was sent, and its deliveries."),
            [RowStore(Event, "received_at"), RowStore(Subscription, "stopped_at")],
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
    hold_back(Event, _without_open_exceptions)
    hold_back(ExceptionCase, _without_open_ones)
    hold_back(Subscription, _without_deliveries)


def _without_deliveries_under_way(events: Rows) -> Rows:
    under_way = Delivery.objects.filter(
        status__in=[Delivery.Status.PENDING, Delivery.Status.CLAIMED, Delivery.Status.HELD]
    )
    return events.exclude(pk__in=under_way.values("event"))


def _without_open_exceptions(events: Rows) -> Rows:
    waiting = ExceptionCase.objects.unresolved().filter(event__isnull=False)
    return events.exclude(pk__in=waiting.values("event"))


def _without_open_ones(cases: Rows) -> Rows:
    return cases.filter(status=ExceptionCase.Status.RESOLVED)


def _without_deliveries(subscriptions: Rows) -> Rows:
    return subscriptions.filter(deliveries=None)
