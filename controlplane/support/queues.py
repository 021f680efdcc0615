"""The starter intents, and which queue of people each belongs to.

A tenant's own intents need no line here: what is not named goes to the general queue.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

GENERAL = "general"

INTENTS: dict[str, Promise] = {
    "order_status": _("Where is my order?"),
    "delivery_delay": _("Delivery is late"),
    "return_request": _("Return"),
    "refund_status": _("Where is my refund?"),
    "damaged_item": _("Damaged item"),
    "wrong_item": _("Wrong or missing item"),
    "invoice_question": _("Invoice"),
    "payment_problem": _("Payment problem"),
    "price_quote": _("Quote or price"),
    "product_availability": _("Availability"),
    "cancel_order": _("Cancel an order"),
    "change_address": _("Change an address"),
    "account_access": _("Log-in and account"),
    "complaint": _("Complaint"),
    "other": _("Something else"),
}

_QUEUES = {
    "order_status": "logistics",
    "delivery_delay": "logistics",
    "return_request": "returns",
    "refund_status": "accounting",
    "damaged_item": "returns",
    "wrong_item": "returns",
    "invoice_question": "accounting",
    "payment_problem": "accounting",
    "price_quote": "sales",
    "product_availability": "sales",
    "cancel_order": "orders",
    "change_address": "orders",
    "account_access": "customer-care",
    "complaint": "customer-care",
}


QUEUE_LABELS: dict[str, Promise] = {
    GENERAL: _("General"),
    "logistics": _("Logistics"),
    "returns": _("Returns"),
    "accounting": _("Accounting"),
    "sales": _("Sales"),
    "orders": _("Order desk"),
    "customer-care": _("Customer care"),
}


def queue_label(queue: str) -> str:
    """The queue in words; one that is not ours by its name."""
    return str(QUEUE_LABELS.get(queue) or queue.replace("-", " ").capitalize())


def queue_for(intent: str) -> str:
    return _QUEUES.get(intent, GENERAL)


def label_of(intent: str) -> str:
    """The intent in words; a tenant's own by its name."""
    return str(INTENTS.get(intent) or intent.replace("_", " ").capitalize())
