"""What the page of an approval shows of its terms: steps, who is asked, votes against quorum."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from controlplane.approvals.electorate import DECIDE, Electorate
from controlplane.approvals.machine import State, Why, agreed, has_quorum
from controlplane.approvals.models import Approval
from controlplane.approvals.rows import state_of
from controlplane.approvals.terms import Step
from controlplane.core.actor import Actor
from tenants.members import CUSTOMER

NAMES_SHOWN = 6


@dataclass(frozen=True)
class ShownStep:
    """`filled` is of 100: how much of the quorum has agreed. `people` are those asked."""

    number: int
    name: str
    step: Step
    state: str
    agreed: int
    organisations: int
    filled: int
    people: list[str]
    more: int
    due_at: datetime | None

    @property
    def is_short(self) -> bool:
        """Whether so few fit it that its quorum cannot come about."""
        return self.state == "now" and len(self.people) + self.more < self.step.quorum


def rules_of(approval: Approval, by: Actor) -> dict[str, Any]:
    """For the template: steps, votes, in whose name the reader may vote, and why not."""
    votes = list(approval.votes.order_by("voted_at", "pk"))
    state = state_of(approval, votes)
    shown: dict[str, Any] = {
        "terms": state.terms,
        "votes": [(vote, organisation_label(vote.organisation)) for vote in votes],
        "is_plain": len(state.terms.steps) == 1 and state.terms.steps[0] == Step(),
    }
    if not approval.is_pending:
        steps = [_step(state, n, None) for n in range(len(state.terms.steps))]
        takes_part = Electorate.now(only={by.id}).takes_part(by)
        return {**shown, "steps": steps, "takes_part": takes_part}
    electorate = Electorate.now()
    names = {person.id: person.name for person in electorate.principals_of(by.id)}
    ways = [(each, names.get(each, "")) for each in electorate.ways(state, by=by)]
    return {
        **shown,
        "steps": [_step(state, n, electorate) for n in range(len(state.terms.steps))],
        "takes_part": electorate.takes_part(by),
        "ways": ways,
        "why_not": "" if ways else _why_not(state, electorate, by),
    }


def organisation_label(organisation: str) -> str:
    if organisation in {"", CUSTOMER}:
        return ""
    return organisation.partition(":")[2]


def _step(state: State, number: int, electorate: Electorate | None) -> ShownStep:
    step = state.terms.steps[number]
    ballots = agreed(state, number)
    people = [person.name for person in electorate.asked_by(step)] if electorate else []
    if has_quorum(state, number):
        place = "done"
    elif number in state.open_steps and state.is_pending:
        place = "now"
    else:
        place = "past" if number < state.step or not state.is_pending else "later"
    return ShownStep(
        number=number + 1,
        name=step.name,
        step=step,
        state=place,
        agreed=len(ballots),
        organisations=len({ballot.organisation for ballot in ballots}),
        filled=min(100, round(100 * len(ballots) / step.quorum)),
        people=people[:NAMES_SHOWN],
        more=max(0, len(people) - NAMES_SHOWN),
        due_at=state.due_at if number == state.step and state.is_pending else None,
    )


def _why_not(state: State, electorate: Electorate, by: Actor) -> str:
    why = electorate.why_not(state, by=by, principal=by.id)
    if why is Why.REQUESTER:
        return _("You asked for this, so somebody else decides it.")
    if why is Why.HAS_VOTED:
        return _("You have voted. It waits for others now.")
    if why is Why.VOTED_BY_OTHER:
        return _("Somebody who stands in for you has voted in your place.")
    if why is Why.VOTED_FOR_OTHER:
        return _("You have voted for somebody else, so your own vote does not count besides.")
    if DECIDE not in by.scopes:
        return _(
            "Your role may look at this but not decide it. Approvers and managers of your "
            "workspace may; ask one of them."
        )
    return _("It is not put to you: its terms name others, who are listed here.")


def votes_left(approval: Approval) -> int:
    """How many more have to agree at the step that is asked."""
    state = state_of(approval)
    return max(0, state.terms.steps[state.step].quorum - len(agreed(state, state.step)))
