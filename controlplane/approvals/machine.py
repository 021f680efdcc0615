"""What becomes of an approval by a vote or by time: the rules alone, without rows, clock or people.

    pending --vote--> pending | approved | rejected
    pending --time--> pending, a step further | the outcome that the terms state for expiry
    pending --cancel--> cancelled

An ended state never changes. Whoever asked never counts, neither in person nor through somebody.
A person is in one ballot at most, as the one who casts it or as the one it is cast for.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from controlplane.approvals.terms import Terms

PENDING = "pending"
Status = Literal["pending", "approved", "rejected", "expired", "cancelled"]


class Why(StrEnum):
    """A ballot is refused because …"""

    ENDED = "ended"
    REQUESTER = "requester"
    NOT_ASKED = "not_asked"
    HAS_VOTED = "has_voted"
    VOTED_BY_OTHER = "voted_by_other"
    VOTED_FOR_OTHER = "voted_for_other"


class Refused(Exception):
    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True)
class Ballot:
    """One vote. `hand` cast it, `principal` is whose vote it is: the same where nobody stands in.

    `steps`: for which steps of the terms the principal may decide.
    """

    hand: str
    principal: str
    organisation: str
    approves: bool
    steps: frozenset[int]

    @property
    def people(self) -> frozenset[str]:
        return frozenset({self.hand, self.principal})


@dataclass(frozen=True)
class State:
    """An approval. `due_at`: when the present step's time is up; None where it has none.

    `reminded`: whether those asked by the present step were reminded.
    """

    terms: Terms
    expires_at: datetime
    requesters: frozenset[str] = frozenset()
    status: Status = "pending"
    step: int = 0
    due_at: datetime | None = None
    reminded: bool = False
    ballots: tuple[Ballot, ...] = field(default=())

    @property
    def is_pending(self) -> bool:
        return self.status == PENDING

    @property
    def counting(self) -> list[Ballot]:
        """Those of people who did not turn out to have asked for it themselves."""
        return [ballot for ballot in self.ballots if not ballot.people & self.requesters]

    @property
    def open_steps(self) -> range:
        """The steps whose people may answer now."""
        first = self.step if self.terms.order == "chain" else 0
        return range(first, self.step + 1)


def begin(
    terms: Terms, *, now: datetime, expires_at: datetime, requesters: Collection[str] = ()
) -> State:
    return State(
        terms=terms,
        expires_at=expires_at,
        requesters=frozenset(requesters),
        due_at=_due(terms, 0, now),
    )


def vote(state: State, ballot: Ballot, *, now: datetime) -> State:
    """The state with the ballot in it, ended where it decides. Raises Refused.

    Call `pass_time` before: a ballot that comes after the time is up finds an ended state.
    """
    if why := refusal(state, ballot):
        raise Refused(why)
    counts_for = ballot.steps & frozenset(
        [state.step] if state.terms.order == "chain" else range(len(state.terms.steps))
    )
    cast = replace(state, ballots=(*state.ballots, replace(ballot, steps=counts_for)))
    return _counted(cast, now)


def refusal(state: State, ballot: Ballot) -> Why | None:
    """Why this ballot would not be taken, or None."""
    if not state.is_pending:
        return Why.ENDED
    if ballot.people & state.requesters:
        return Why.REQUESTER
    if not ballot.steps & frozenset(state.open_steps):
        return Why.NOT_ASKED
    for other in state.ballots:
        if other.principal == ballot.principal:
            return Why.HAS_VOTED if other.hand == ballot.hand else Why.VOTED_BY_OTHER
        if ballot.people & other.people:
            return Why.VOTED_FOR_OTHER
    return None


def pass_time(state: State, *, now: datetime) -> State:
    """What the clock brings about: an end, or one step further. The same time again: nothing more.

    One step at a time, each with its hours from now: after an outage nobody is skipped. A clock
    that goes back finds the step that was reached and its time in the row, and changes neither.
    """
    if not state.is_pending:
        return state
    if now >= state.expires_at:
        return replace(state, status=state.terms.on_expiry)
    is_last = state.step + 1 >= len(state.terms.steps)
    if state.terms.order == "chain" or is_last or state.due_at is None or now < state.due_at:
        return state
    return _counted(_next_step(state, now), now)


def must_remind(state: State, *, now: datetime) -> bool:
    """Whether those asked now are to be reminded: once for each step, before its time is up."""
    hours = state.terms.remind_hours
    if not state.is_pending or state.reminded or not hours:
        return False
    ends = min(state.due_at or state.expires_at, state.expires_at)
    return ends - timedelta(hours=hours) <= now < ends


def cancel(state: State) -> State:
    return replace(state, status="cancelled") if state.is_pending else state


def agreed(state: State, step: int) -> list[Ballot]:
    """The ballots that count towards this step's quorum."""
    return [ballot for ballot in state.counting if ballot.approves and step in ballot.steps]


def has_quorum(state: State, step: int) -> bool:
    ballots, asked = agreed(state, step), state.terms.steps[step]
    organisations = {ballot.organisation for ballot in ballots}
    return len(ballots) >= asked.quorum and len(organisations) >= asked.organisations


def _counted(state: State, now: datetime) -> State:
    rejections = [ballot for ballot in state.counting if not ballot.approves]
    if len(rejections) >= state.terms.rejections:
        return replace(state, status="rejected")
    if state.terms.order == "ladder":
        reached = any(has_quorum(state, step) for step in range(state.step + 1))
        return replace(state, status="approved") if reached else state
    if not has_quorum(state, state.step):
        return state
    if state.step + 1 == len(state.terms.steps):
        return replace(state, status="approved")
    return _next_step(state, now)


def _next_step(state: State, now: datetime) -> State:
    step = state.step + 1
    return replace(state, step=step, due_at=_due(state.terms, step, now), reminded=False)


def _due(terms: Terms, step: int, now: datetime) -> datetime | None:
    hours = terms.steps[step].hours
    return None if hours is None else now + timedelta(hours=hours)
