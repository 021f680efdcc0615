"""The answer of a person: taken once, counted by the terms, and the end where it decides."""

import uuid

from django.db import transaction
from django.utils import timezone

from controlplane.approvals import machine
from controlplane.approvals.electorate import DECIDE, Electorate
from controlplane.approvals.machine import Refused, State, Why
from controlplane.approvals.models import Approval, Vote
from controlplane.approvals.rows import put_step
from controlplane.approvals.services.clock import let_time_pass
from controlplane.approvals.services.ending import AlreadyEnded, end_approval, record_step
from controlplane.approvals.services.lookup import blocked_by, locked_approval
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit


class ApprovalNotReady(DomainError):
    code = "approval_not_ready"
    status = 409
    title = "It cannot be approved yet"


class ApprovalChanged(DomainError):
    code = "approval_changed"
    status = 409
    title = "It has changed since you looked at it"


class NotADecider(DomainError):
    code = "not_a_decider"
    status = 403
    title = "You may not decide this"


class NotAsked(NotADecider):
    """The terms do not put it to the actor; `decide` says whom they do."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(f"“{approval.title}” is not put to you.")
        self.approval = approval


class RequesterDecides(NotADecider):
    code = "requester_may_not_decide"
    title = "Who asks for an approval does not decide it"


class AlreadyVoted(DomainError):
    code = "already_voted"
    status = 409
    title = "Your vote was given before"


def decide(
    *,
    approval_id: uuid.UUID,
    decision: str,
    comment: str,
    by: Actor,
    revision: str = "",
    on_behalf_of: str = "",
) -> Approval:
    """Vote to approve or to reject, once; the vote that makes the terms' quorum ends it.

    One rejection ends it too, unless its terms ask for more. The same answer by the same person
    again changes nothing. `revision` is the one that the person was shown; without it the present
    one is meant. `on_behalf_of`: the id of the person who delegated to the actor.
    Raises ApprovalUnknown, NotADecider, RequesterDecides, AlreadyVoted, ApprovalNotReady and
    ApprovalChanged (of what would be approved), AlreadyEnded (with the approval as it ended, also
    where its time was up before the answer came).
    """
    assert_person(by)
    principal = on_behalf_of or by.id
    try:
        approval, is_answered = answer(
            approval_id,
            decision=decision,
            comment=comment,
            by=by,
            revision=revision,
            principal=principal,
            electorate=Electorate.now(only={by.id, principal}),
        )
    except NotAsked as error:
        raise NotADecider(_whom_to_ask(error.approval, by)) from None
    if not is_answered:
        # Not earlier: an expiry that the late answer brought about must be committed.
        raise AlreadyEnded(approval)
    return approval


def assert_person(by: Actor) -> None:
    """Raises NotADecider."""
    if by.kind is not ActorKind.MEMBER:
        raise NotADecider("An approval is answered by a person in the portal, not by a machine.")


@transaction.atomic
def answer(
    approval_id: uuid.UUID,
    *,
    decision: str,
    comment: str,
    by: Actor,
    revision: str,
    principal: str,
    electorate: Electorate,
) -> tuple[Approval, bool]:
    """The approval after the answer, and whether it took this very answer, now or before."""
    approval = locked_approval(approval_id)
    state = let_time_pass(approval)
    if not approval.is_pending:
        return approval, approval.votes.filter(member_id=by.id, decision=decision).exists()
    approves = decision == Vote.Decision.APPROVE
    ballot = electorate.ballot(state.terms, by=by, principal=principal, approves=approves)
    now = timezone.now()
    try:
        after = machine.vote(state, ballot, now=now)
    except Refused as refused:
        if refused.why is Why.HAS_VOTED and _is_the_same(approval, by, principal, decision):
            return approval, True
        raise _refusal(refused.why, approval) from None
    if approves:
        _assert_ready(approval, revision)
    cast = Vote.objects.create(
        approval=approval,
        member_id=by.id,
        member_label=by.label,
        decision=decision,
        comment=comment,
        revision=approval.revision,
        principal_id=principal,
        principal_label=_name_of(principal, by, electorate),
        organisation=ballot.organisation,
        steps=sorted(after.ballots[-1].steps),
    )
    if after.is_pending:
        _go_on(approval, state, after, cast, by)
        return approval, True
    approval.decided_by_id, approval.comment = by.id, comment
    approval.decided_by = _who_decided(approval, decision)
    end_approval(approval, Approval.Status(after.status), by=by)
    return approval, True


def _go_on(approval: Approval, before: State, after: State, cast: Vote, by: Actor) -> None:
    """The vote is one of several that are needed."""
    put_step(approval, after)
    approval.save()
    told = {"decision": cast.decision, "comment": cast.comment, "step": before.step + 1}
    if cast.is_for_another:
        told["for"] = cast.principal_label
    record_step("approval.voted", approval, told, by)
    if after.step != before.step:
        enqueue_on_commit("approvals.mail_waiting", approval_id=str(approval.pk))


def _assert_ready(approval: Approval, revision: str) -> None:
    if blocked := blocked_by(approval):
        raise ApprovalNotReady(blocked)
    if revision and revision != approval.revision:
        raise ApprovalChanged(
            f"“{approval.title}” was judged anew after you opened it. Nothing was decided: look at "
            "it once more, and answer then."
        )


def _is_the_same(approval: Approval, by: Actor, principal: str, decision: str) -> bool:
    cast = approval.votes.filter(
        member_id=by.id, principal_id=principal, decision=decision, revision=approval.revision
    )
    return cast.exists()


def _refusal(why: Why, approval: Approval) -> DomainError:
    if why is Why.REQUESTER:
        return RequesterDecides(
            f"“{approval.title}” was asked for by the person who would decide it, directly or "
            "through a delegation. Somebody else has to."
        )
    if why is Why.NOT_ASKED:
        return NotAsked(approval)
    said = {
        Why.HAS_VOTED: "You have answered already, and an answer is not taken back.",
        Why.VOTED_BY_OTHER: "Somebody to whom the vote is delegated gave it before.",
        Why.VOTED_FOR_OTHER: "You, or the person you stand in for, have a part in a vote already.",
    }
    return AlreadyVoted(
        f"{said[why]} “{approval.title}” waits for others now.",
        errors=(FieldError("decision", "was given before"),),
    )


def _whom_to_ask(approval: Approval, by: Actor) -> str:
    step = approval.rules.steps[approval.step]
    if not step.names_people and DECIDE not in by.scopes:
        return (
            "Your role may look at this but not decide it. Ask an approver or a manager of your "
            "workspace."
        )
    names = [person.name for person in Electorate.now().asked_by(step)]
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    asked = f"It is put to {listed}." if names else "Nobody fits its terms at present."
    return f"“{approval.title}” is not put to you. {asked}"


def _name_of(principal: str, by: Actor, electorate: Electorate) -> str:
    if principal == by.id:
        return by.label
    return electorate.people[principal].name


def _who_decided(approval: Approval, decision: str) -> str:
    """Everybody whose votes made the quorum, in their order."""
    votes = approval.votes.filter(decision=decision, revision=approval.revision)
    names = [
        f"{vote.member_label} for {vote.principal_label}"
        if vote.is_for_another
        else vote.member_label
        for vote in votes.order_by("voted_at", "pk")
        if vote.principal_id not in approval.requester_ids
        and vote.member_id not in approval.requester_ids
    ]
    return ", ".join(names)[:200]
