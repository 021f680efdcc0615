"""How long invoices and the papers that they are matched with are kept."""

from django.utils.translation import gettext_lazy as _

from controlplane.approvals.retention import keep_while_open
from controlplane.events.models import Event
from controlplane.invoices.models import GoodsReceipt, Invoice, PurchaseOrder
from controlplane.policies.retention import keep_decisions_of
from tenants.retention.classes import DataClass, Rows, RowStore, hold_back, register_class


def register() -> None:
    register_class(
        DataClass(
            "invoices",
            _("Invoices"),
            _("Suppliers' invoices with their documents, what was read and what became of them."),
            [RowStore(Invoice, "created_at")],
        )
    )
    register_class(
        DataClass(
            "procurement",
            _("Purchase orders and goods receipts"),
            _("What was ordered and what arrived, as invoices are matched with it."),
            [RowStore(PurchaseOrder, "created_at"), RowStore(GoodsReceipt, "created_at")],
        )
    )
    keep_while_open(Invoice)
    keep_decisions_of(Invoice)
    hold_back(Event, _without_events_of_invoices)


def _without_events_of_invoices(events: Rows) -> Rows:
    """The same invoice sent again is answered with its first event, which holds no payload."""
    return events.exclude(pk__in=Invoice.objects.filter(event_id__isnull=False).values("event_id"))
