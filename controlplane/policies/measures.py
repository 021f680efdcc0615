"""What is measured of decisions."""

from controlplane.core.measures import TENANT, Counter, declare
from tenants.context import current_tenant

DECISIONS = declare(
    Counter(
        "pergola_decisions_total",
        "Decisions by what was judged and how.",
        (TENANT, "context", "verdict"),
    )
)


def count_decision(context: str, verdict: str) -> None:
    """In the tenant, for a decision that was taken now and not before."""
    DECISIONS.add(current_tenant().pk, context, verdict)
