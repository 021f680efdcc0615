"""How the portal writes what a simulation found."""

from django import template

from controlplane.policies.models import SimulationFlip
from controlplane.portal.flips import in_money
from controlplane.portal.templatetags.portal import localized

register = template.Library()


@register.filter
def flip_amount(flip: SimulationFlip) -> str:
    """What the decision is about, in its currency."""
    if flip.minor is None or not flip.currency:
        return "–"
    return localized(in_money(flip.minor, flip.currency))
