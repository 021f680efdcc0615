"""The rules on answers that a new tenant starts with: its own from then on, to change.

Reject means that a person takes over and nothing is shown to the customer; hold, that a person
reads the draft first. What a parameter means is in `contexts.PARAMETERS`.
"""

from controlplane.core.actor import Actor
from controlplane.knowledge.contexts import CONTEXT
from controlplane.policies.models import Policy
from controlplane.policies.services import seed_policy
from tenants.context import inside
from tenants.models import Tenant

SLUG = "answer-checks"
TITLE = "Answer checks"


def _rule(code: str, verdict: str, expression: str, message: str) -> dict[str, str]:
    return {"code": code, "verdict": verdict, "expression": expression, "message": message}


RULES: tuple[dict[str, str], ...] = (
    _rule(
        "no_source",
        "reject",
        "!answer.has_citations",
        "No approved document answers this.",
    ),
    _rule(
        "not_sure_enough",
        "reject",
        "answer.has_citations && answer.confidence_percent < params.draft_above",
        "The answer is {answer.confidence_percent}% sure; drafts begin at {params.draft_above}%.",
    ),
    _rule(
        "needs_a_reader",
        "hold",
        "answer.has_citations && answer.confidence_percent >= params.draft_above && "
        "answer.confidence_percent < params.reply_above",
        "The answer is {answer.confidence_percent}% sure; it goes out unread from "
        "{params.reply_above}% on.",
    ),
    _rule(
        "critical_urgency",
        "hold",
        "subject.urgency == 'critical'",
        "The question is critical, so a person reads the answer first.",
    ),
    _rule(
        "other_language",
        "hold",
        "answer.has_citations && !answer.is_in_source_language",
        "The question is in “{question.language}”, the sources are in “{answer.source_language}”.",
    ),
)


def seed_answer_policy(tenant: Tenant, by: Actor) -> None:
    """A provisioning step: once; a tenant that has the policy keeps it as it is."""
    with inside(tenant):
        seed_here(by=by)


def seed_here(*, by: Actor) -> Policy:
    """For the tenant that is entered."""
    return seed_policy(context=CONTEXT, slug=SLUG, title=TITLE, rules=RULES, by=by)
