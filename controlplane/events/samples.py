"""The order that the test button sends: Shopify's format, nobody's data."""

from datetime import datetime
from typing import Any


def sample_order(at: datetime) -> dict[str, Any]:
    """An `orders/create` payload that Shopify itself would mark as a test order."""
    number = int(at.timestamp())
    return {
        "id": number,
        "name": f"#TEST-{number}",
        "test": True,
        "created_at": at.isoformat(),
        "currency": "EUR",
        "financial_status": "paid",
        "email": "test@example.com",
        "total_price": "119.00",
        "subtotal_price": "100.00",
        "total_tax": "19.00",
        "total_discounts": "0.00",
        "taxes_included": False,
        "line_items": [
            {
                "id": 1,
                "sku": "SAMPLE-1",
                "title": "Sample item",
                "quantity": 1,
                "price": "100.00",
                "requires_shipping": True,
                "tax_lines": [{"title": "VAT", "rate": 0.19, "price": "19.00"}],
            }
        ],
        "shipping_address": {
            "name": "Test Person",
            "address1": "Sample Street 1",
            "city": "Hamburg",
            "zip": "20095",
            "country_code": "DE",
        },
    }
