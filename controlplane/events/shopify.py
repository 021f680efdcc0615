"""Shopify's webhooks: the signature, the topic and the numbers that a delivery carries.

Format: Shopify, "Deliver webhooks through HTTPS": X-Shopify-Hmac-Sha256 is the base64 of
HMAC-SHA256 over the raw body with the app's secret; X-Shopify-Webhook-Id is the same for every try.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from controlplane.core.text import made_storable

SIGNATURE_HEADER = "X-Shopify-Hmac-Sha256"
TOPIC_HEADER = "X-Shopify-Topic"
ID_HEADER = "X-Shopify-Webhook-Id"
KEPT_HEADERS = (
    TOPIC_HEADER,
    ID_HEADER,
    "X-Shopify-Event-Id",
    "X-Shopify-Shop-Domain",
    "X-Shopify-Api-Version",
    "X-Shopify-Triggered-At",
)
TYPES_BY_TOPIC = {
    "orders/create": "order.created",
    "orders/updated": "order.updated",
    "orders/cancelled": "order.cancelled",
}


def sign(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def is_signed(body: bytes, secret: str, headers: Mapping[str, str]) -> bool:
    """Compared as bytes in constant time; bad base64 is a bad signature."""
    try:
        given = base64.b64decode(headers.get(SIGNATURE_HEADER, ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, hmac.new(secret.encode(), body, hashlib.sha256).digest())


def subject(payload: dict[str, Any]) -> str:
    """What people call the thing: `#1001`, else its number. Fit for a text column."""
    order = payload["order"] if isinstance(payload.get("order"), dict) else payload
    for field in ("name", "order_number", "id"):
        value = order.get(field)
        if isinstance(value, str | int) and value != "":
            return made_storable(str(value))[:200]
    return ""
