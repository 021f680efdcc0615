"""Orders of any shop: which one wrote a payload, and its reader."""

from controlplane.orders import shopify, woocommerce
from controlplane.orders.normal import NormalOrder
from controlplane.orders.payload import object_of


def normalize_order(body: str) -> NormalOrder:
    """Whatever can be read of the order; the rest is in its `problems`.

    Told by the payload and not by the source, since one of any kind may pass a shop's orders on.
    Raises OrderUnreadable where it cannot even be told which order it is.
    """
    payload = object_of(body)
    reader = woocommerce if woocommerce.is_order(payload) else shopify
    return reader.read_order(payload)
