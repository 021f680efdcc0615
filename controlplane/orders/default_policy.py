"""The rules that a new tenant starts with: its own from then on, to change in the admin.

Amounts are compared in whole minor units, so that no float decides; what a parameter means and
what stands where an installation sets none is in `contexts.PARAMETERS`.
"""

from controlplane.core.actor import Actor
from controlplane.orders.contexts import CONTEXT
from controlplane.policies.models import Policy
from controlplane.policies.services import seed_policy
from tenants.context import inside
from tenants.models import Tenant

SLUG = "order-checks"
TITLE = "Order checks"


def _rule(code: str, verdict: str, expression: str, message: str) -> dict[str, str]:
    return {"code": code, "verdict": verdict, "expression": expression, "message": message}


RULES: tuple[dict[str, str], ...] = (
    _rule(
        "test_order",
        "reject",
        "order.is_test",
        "{order.number} is a test order.",
    ),
    _rule(
        "order_cancelled",
        "reject",
        "order.is_cancelled",
        "{order.number} was cancelled in the shop.",
    ),
    _rule(
        "payment_voided",
        "reject",
        "order.financial_status == 'voided'",
        "The payment was voided.",
    ),
    _rule(
        "order_refunded",
        "reject",
        "order.financial_status == 'refunded' || "
        "(order.refunded.minor > 0 && order.refunded.minor >= order.total.minor)",
        "The order was refunded in full.",
    ),
    _rule(
        "partially_refunded",
        "hold",
        "order.financial_status == 'partially_refunded' || "
        "(order.refunded.minor > 0 && order.refunded.minor < order.total.minor)",
        "A part of the order was refunded.",
    ),
    _rule(
        "unreadable_fields",
        "hold",
        "order.problem_count > 0",
        "Parts of the order cannot be read: {order.problem_text}.",
    ),
    _rule(
        "does_not_add_up",
        "hold",
        "!order.adds_up",
        "Goods, shipping, tax and discounts do not make the total {order.total.text}.",
    ),
    _rule(
        "no_lines",
        "hold",
        "order.line_count == 0",
        "The order has no lines.",
    ),
    _rule(
        "no_shipping_address",
        "hold",
        "order.requires_shipping && !order.has_ship_to",
        "Something must be shipped, but there is no shipping address.",
    ),
    _rule(
        "over_limit",
        "hold",
        "params.hold_above != null && order.currency == params.hold_above.currency && "
        "order.total.minor > params.hold_above.minor",
        "The total {order.total.text} is above the limit.",
    ),
    _rule(
        "no_limit_for_currency",
        "hold",
        "params.hold_above != null && order.currency != params.hold_above.currency",
        "No limit is set for {order.currency}; the total is {order.total.text}.",
    ),
    _rule(
        "large_quantity",
        "hold",
        "params.max_quantity != null && order.lines.exists(l, l.quantity > params.max_quantity)",
        "A line orders more than {params.max_quantity} pieces.",
    ),
    _rule(
        "foreign_country",
        "hold",
        "size(params.home_countries) > 0 && order.has_ship_to && "
        "!(order.ship_to.country in params.home_countries)",
        "It ships to {order.ship_to.country}, which is not one of the home countries.",
    ),
)


def seed_order_policy(tenant: Tenant, by: Actor) -> None:
    """A provisioning step: once; a tenant that has the policy keeps it as it is."""
    with inside(tenant):
        seed_here(by=by)


def seed_here(*, by: Actor) -> Policy:
    """For the tenant that is entered."""
    return seed_policy(context=CONTEXT, slug=SLUG, title=TITLE, rules=RULES, by=by)
