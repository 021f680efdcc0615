"""A tenant's terms of publishing: from which share of flips on somebody else has to approve."""

from typing import Any

from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor, ActorKind
from controlplane.policies.models import PublishingTerms
from controlplane.policies.services.decisions import key_of


@transaction.atomic
def set_terms(*, flip_percent: Any, history_days: int, by: Actor) -> PublishingTerms:
    """A lower share of the same days counts at once. Anything else could let through alone what
    asks for a second person now, so it is kept as `wanted_*` until another person sets the same;
    setting what counts takes back what is wanted.
    """
    terms = PublishingTerms.objects.select_for_update().order_by("pk").first() or PublishingTerms()
    before = {"flip_percent": str(terms.flip_percent), "history_days": terms.history_days}
    asked = {"flip_percent": str(flip_percent), "history_days": history_days}
    is_stricter = flip_percent <= terms.flip_percent and history_days == terms.history_days
    if not is_stricter and not _is_second(terms, flip_percent, history_days, by):
        terms.wanted_percent, terms.wanted_days = flip_percent, history_days
        terms.wanted_by, terms.wanted_by_id = by.label, key_of(by)
        terms.save()
        _record("terms_asked", terms, {"before": before, "after": asked}, by)
        return terms
    asked_by = "" if is_stricter else terms.wanted_by
    terms.flip_percent, terms.history_days = flip_percent, history_days
    terms.wanted_percent = terms.wanted_days = None
    terms.wanted_by = terms.wanted_by_id = ""
    terms.save()
    told = {"before": before, "after": asked, **({"asked_by": asked_by} if asked_by else {})}
    _record("terms_changed", terms, told, by)
    return terms


def _is_second(terms: PublishingTerms, flip_percent: Any, history_days: int, by: Actor) -> bool:
    return (
        by.kind is ActorKind.MEMBER
        and terms.wanted_by_id not in {"", key_of(by)}
        and (terms.wanted_percent, terms.wanted_days) == (flip_percent, history_days)
    )


def _record(verb: str, terms: PublishingTerms, data: dict[str, Any], by: Actor) -> None:
    record(
        action=f"policy.{verb}",
        subject_type="policy_terms",
        subject_id=str(terms.pk),
        data=data,
        by=by,
    )
