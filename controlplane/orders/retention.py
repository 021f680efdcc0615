"""How long orders are kept."""

from django.utils.translation import gettext_lazy as _

from controlplane.approvals.retention import keep_while_open
from controlplane.orders.models import Order
from controlplane.policies.retention import keep_decisions_of
from tenants.retention.classes import DataClass, RowStore, register_class


def register() -> None:
    register_class(
        DataClass(
            "orders",
            _("Orders"),
            _("Orders of customers with names and addresses, their lines and outcomes."),
            [RowStore(Order, "created_at")],
        )
    )
    keep_while_open(Order)
    keep_decisions_of(Order)
