"""How the portal writes what a simulation found."""

import uuid
from typing import Any

from django import template

from controlplane.policies.models import SimulationFlip
from controlplane.portal.flips import in_money
from controlplane.portal.templatetags.portal import localized
from controlplane.portal.things import SHOWN_DECISIONS, decisions_about

register = template.Library()


@register.filter
def flip_amount(flip: SimulationFlip) -> str:
    """What the decision is about, in its currency."""
    if flip.minor is None or not flip.currency:
        return "–"
    return localized(in_money(flip.minor, flip.currency))


@register.inclusion_tag("portal/decisions/_about.html", takes_context=True)
def decisions_card(context: dict[str, Any], *keys: uuid.UUID | None) -> dict[str, Any]:
    """The newest decisions about these things, for whoever may open one."""
    if not context["may"].get("payload"):
        return {}
    found = list(decisions_about(*keys)[: SHOWN_DECISIONS + 1])
    return {
        "decisions": found[:SHOWN_DECISIONS],
        "more": len(found) > SHOWN_DECISIONS,
        "first": keys[0],
    }
