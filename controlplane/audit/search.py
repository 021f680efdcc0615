"""Looking for entries: by what was done, to what, by whom, and when."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from controlplane.audit.models import Entry


@dataclass(frozen=True)
class Wanted:
    """Empty is any. `action` may be a noun alone: `order` finds `order.accepted`.

    `actor` is an id, or a part of the name; `since` is within, `until` is not.
    """

    action: str = ""
    subject_type: str = ""
    subject_id: str = ""
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None


def find_entries(wanted: Wanted) -> QuerySet[Entry]:
    """Of the chain that is entered, in the order of their numbers."""
    found = Entry.objects.all()
    if wanted.action:
        noun = Q(action__startswith=f"{wanted.action}.")
        found = found.filter(Q(action=wanted.action) | noun)
    if wanted.subject_type:
        found = found.filter(subject_type=wanted.subject_type)
    if wanted.subject_id:
        found = found.filter(subject_id=wanted.subject_id)
    if wanted.actor:
        found = found.filter(Q(actor_id=wanted.actor) | Q(actor_label__icontains=wanted.actor))
    if wanted.since:
        found = found.filter(at__gte=wanted.since)
    if wanted.until:
        found = found.filter(at__lt=wanted.until)
    return found


def page_of(wanted: Wanted, *, after: int, limit: int) -> tuple[list[Entry], int | None]:
    """Up to `limit` entries after that number, and the number to go on after; None at the end."""
    found = list(find_entries(wanted).filter(sequence__gt=after).order_by("sequence")[: limit + 1])
    return found[:limit], found[limit - 1].sequence if len(found) > limit else None
