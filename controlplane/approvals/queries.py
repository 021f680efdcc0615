"""Lists of approvals: a page for machines, and what waits for one person."""

import uuid

from controlplane.approvals.electorate import Electorate
from controlplane.approvals.models import Approval, Route, Vote
from controlplane.approvals.rows import state_of
from controlplane.core.actor import Actor
from controlplane.core.errors import FieldError
from controlplane.core.keyset import PageUnknown

Ids = list[uuid.UUID]


def page_of_approvals(
    *,
    status: str = "",
    subject_type: str = "",
    subject_id: str = "",
    group: str = "",
    route: str = "",
    limit: int,
    after: str = "",
) -> tuple[list[Approval], str]:
    """The newest first, and what `after` is for the next page; empty where there is none.

    `group` is a short name, `route` an ID; of a route that was renamed since, those from then on.

    Keys grow with time, so that what is added meanwhile shifts no page. Raises PageUnknown.
    """
    rows = Approval.objects.prefetch_related("votes").order_by("-pk")
    if status:
        rows = rows.filter(status=status)
    if subject_type:
        rows = rows.filter(subject_type=subject_type)
    if subject_id:
        rows = rows.filter(subject_id=_id(subject_id, "subject_id"))
    if group:
        rows = rows.filter(terms__contains={"steps": [{"groups": [group]}]})
    if route:
        named = Route.objects.filter(pk=_id(route, "route")).values("name")
        rows = rows.filter(route__in=named)
    if after:
        rows = rows.filter(pk__lt=_id(after, "after"))
    found = list(rows[: limit + 1])
    return found[:limit], str(found[limit - 1].pk) if len(found) > limit else ""


def waiting_for(by: Actor) -> Ids:
    """What this person may vote on now and has not, themselves or for somebody."""
    electorate = Electorate.now()
    pending = Approval.objects.pending().only(
        "terms", "requesters", "step", "step_due_at", "reminded_at", "expires_at", "status",
        "revision",
    )  # fmt: skip
    votes: dict[uuid.UUID, list[Vote]] = {}
    for vote in Vote.objects.filter(approval__status=Approval.Status.PENDING):
        votes.setdefault(vote.approval_id, []).append(vote)
    return [
        approval.pk
        for approval in pending
        if electorate.ways(state_of(approval, votes.get(approval.pk, [])), by=by)
    ]


def _id(text: str, field: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise PageUnknown(
            f"{text[:40]!r} is no ID. Pass on what an earlier call returned.",
            errors=(FieldError(field, "is no ID"),),
        ) from None
