"""What of a tenant's orders goes to its sandbox, and how. They are judged anew there."""

from tenants.environments.rules import (
    ROW,
    Copied,
    as_json,
    choice,
    code,
    company,
    declare,
    email,
    foreign_id,
    keep,
    name,
    phone,
    reset,
    text,
)


def declare_all() -> None:
    declare(
        "orders.Order",
        Copied(
            "orders",
            {**ROW, "source_slug": code, "external_id": foreign_id, "number": code,
             "placed_at": keep, "currency": choice, "subtotal": keep, "discounts": keep,
             "shipping": keep, "tax": keep, "total": keep, "refunded": keep,
             "financial_status": choice, "fulfillment_status": choice, "buyer_name": name,
             "buyer_email": email, "buyer_phone": phone, "buyer_company": company,
             "ship_to": as_json, "bill_to": as_json, "tags": reset, "note": text, "is_test": keep,
             "cancelled_at": keep, "problems": reset, "status": reset, "verdict": reset,
             "reasons": reset, "decision_id": reset, "event_id": keep, "outcome": reset,
             "outcome_note": reset, "outcome_at": reset, "outcome_sequence": reset},
        ),
    )  # fmt: skip
    declare(
        "orders.OrderLine",
        Copied(
            "orders",
            {**ROW, "order": keep, "position": keep, "sku": code, "title": text, "quantity": keep,
             "unit_price": keep, "discount": keep, "tax": keep, "requires_shipping": keep,
             "gift_card": keep},
        ),
    )  # fmt: skip
