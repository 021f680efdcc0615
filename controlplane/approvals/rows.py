"""Between an approval's rows and the pure state that `machine` knows."""

from datetime import datetime, timedelta

from controlplane.approvals.machine import Ballot, State
from controlplane.approvals.models import Approval, Vote


def state_of(approval: Approval, votes: list[Vote] | None = None) -> State:
    """As the row says it; of the votes those on the present revision."""
    cast = list(approval.votes.all()) if votes is None else votes
    return State(
        terms=approval.rules,
        expires_at=approval.expires_at,
        requesters=approval.requester_ids,
        status=approval.status,  # type: ignore[arg-type]  # the same five words
        step=approval.step,
        due_at=approval.step_due_at,
        reminded=approval.reminded_at is not None,
        ballots=tuple(ballot_of(vote) for vote in cast if vote.revision == approval.revision),
    )


def ballot_of(vote: Vote) -> Ballot:
    return Ballot(
        hand=vote.member_id,
        principal=vote.principal_id or vote.member_id,
        organisation=vote.organisation,
        approves=vote.decision == Vote.Decision.APPROVE,
        steps=frozenset(vote.steps if vote.steps is not None else (0,)),
    )


def put_step(approval: Approval, state: State) -> None:
    """Which step is asked and what time will do: into the row, unsaved. The end is not put."""
    approval.step, approval.step_due_at = state.step, state.due_at
    if not state.reminded:
        approval.reminded_at = None
    approval.remind_at = None if state.reminded else _remind_at(state)


def _remind_at(state: State) -> datetime | None:
    if not state.terms.remind_hours:
        return None
    ends = min(state.due_at or state.expires_at, state.expires_at)
    return ends - timedelta(hours=state.terms.remind_hours)
