"""The rules that a new tenant starts with: its own from then on, to change in the admin.

A rule that speaks of a check of the match has the check's code, so that its reason can name lines.
"""

from controlplane.core.actor import Actor
from controlplane.invoices.contexts import CONTEXT
from controlplane.invoices.matching.result import CODES
from controlplane.policies.models import Policy
from controlplane.policies.services import seed_policy
from tenants.context import inside
from tenants.models import Tenant

SLUG = "invoice-checks"
TITLE = "Invoice checks"


def _rule(code: str, verdict: str, expression: str, message: str) -> dict[str, str]:
    return {"code": code, "verdict": verdict, "expression": expression, "message": message}


RULES: tuple[dict[str, str], ...] = (
    _rule(
        "quarantined",
        "reject",
        "invoice.status == 'quarantined'",
        "The document was not read: {invoice.quarantine_text}.",
    ),
    _rule(
        "to_check",
        "hold",
        "invoice.status == 'to_check'",
        "A person must check and confirm its fields: {invoice.problem_text}",
    ),
    _rule(
        "duplicate",
        "hold",
        "invoice.is_duplicate",
        "The supplier sent another invoice of this number: {invoice.duplicate_text}.",
    ),
    _rule(
        "not_validated",
        "hold",
        "!rules.checked && invoice.status == 'read' && invoice.format != 'pdf'",
        "The rules of EN 16931 were not run on it. Validate it first.",
    ),
    _rule(
        "rules_broken",
        "hold",
        "rules.errors > 0",
        "Rules of EN 16931 that it breaks ({rules.errors}): {rules.text}.",
    ),
    _rule(
        "bank_account_changed",
        "hold",
        "invoice.iban_is_new",
        "The account {invoice.iban_text} is on none of this supplier's accepted invoices. Before "
        "you approve it, call the supplier by a number that you know, not by one on the invoice.",
    ),
    *(_rule(code, "hold", f"match.{code}.count > 0", f"{{match.{code}.text}}") for code in CODES),
    _rule(
        "over_limit",
        "hold",
        "params.approve_above != null && invoice.currency == params.approve_above.currency && "
        "invoice.total.minor > params.approve_above.minor",
        "The total {invoice.total.text} is above the limit.",
    ),
    _rule(
        "no_limit_for_currency",
        "hold",
        "params.approve_above != null && invoice.status == 'read' && "
        "invoice.currency != params.approve_above.currency",
        "No limit is set for {invoice.currency}; the total is {invoice.total.text}.",
    ),
)


def seed_invoice_policy(tenant: Tenant, by: Actor) -> None:
    """A provisioning step: once; a tenant that has the policy keeps it as it is."""
    with inside(tenant):
        seed_here(by=by)


def seed_here(*, by: Actor) -> Policy:
    """For the tenant that is entered."""
    return seed_policy(context=CONTEXT, slug=SLUG, title=TITLE, rules=RULES, by=by)
