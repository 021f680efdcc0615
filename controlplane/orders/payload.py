"""What shops' payloads have in common, and whose one is."""

from typing import Any

from controlplane.core.errors import DomainError, FieldError
from controlplane.core.money import is_currency
from controlplane.orders.normal import NO_CURRENCY
from controlplane.orders.reading import NotJson, Reader, kind_of, parse_json

MOST_LINES = 500
MOST_TAGS = 250


class OrderUnreadable(DomainError):
    code = "order_unreadable"
    status = 422
    title = "The event holds no order"


def object_of(body: str) -> dict[str, Any]:
    """The order itself, also from `{"order": {…}}`. Raises OrderUnreadable."""
    try:
        payload = parse_json(body)
    except NotJson as error:
        raise OrderUnreadable(
            "The event's body is not JSON. Look at the event and at what the shop sends.",
            errors=(FieldError("body", "is not JSON"),),
        ) from error
    if isinstance(payload, dict) and isinstance(payload.get("order"), dict) and "id" not in payload:
        payload = payload["order"]
    if not isinstance(payload, dict):
        raise OrderUnreadable(
            f"The event's body is {kind_of(payload)}, not an order.",
            errors=(FieldError("body", "is not an object"),),
        )
    return payload


def currency_of(order: Reader, code: str) -> str:
    """The ISO 4217 code that the shop named, else NO_CURRENCY and a problem."""
    code = code.upper()
    if not code:
        order.report("currency_missing", "currency", "is missing")
    elif not is_currency(code):
        order.report("currency_unknown", "currency", f"is “{code}”, which is no ISO 4217 code")
    else:
        return code
    return NO_CURRENCY
