"""What is published taken out of force, or into it again, without another in its place.

As of a publication, the tenant's threshold is asked: past it, two people have to say so.
"""

from django.db import transaction

from controlplane.core.actor import Actor, ActorKind
from controlplane.policies.models import Move, Policy, VersionStatus
from controlplane.policies.services.decisions import key_of
from controlplane.policies.services.drafts import record_policy
from controlplane.policies.services.flips import is_past_threshold, share_of_move
from controlplane.policies.services.publishing import ASKED, StepNotPossible, note_step

VERBS = {Move.RETIRE: "retired", Move.OFF: "switched_off", Move.ON: "switched_on"}


@transaction.atomic
def move_policy(*, policy: Policy, move: Move, note: str = "", by: Actor) -> bool:
    """Do it, or past the threshold keep it as asked for until another person calls this too.
    Returns whether it was done. Raises StepNotPossible.
    """
    policy.refresh_from_db(from_queryset=Policy.objects.select_for_update())
    _assert_possible(policy, move)
    share = share_of_move(policy, move)
    told = {
        "slug": policy.slug, "note": note, "flips": share.flips, "judged": share.judged,
    }  # fmt: skip
    if is_past_threshold(share) and not _is_second(policy, move, by):
        policy.asked_move, policy.asked_note = move, note[:500]
        policy.asked_by, policy.asked_by_id = by.label, key_of(by)
        policy.save(update_fields=[*ASKED, "updated_at"])
        record_policy("move_asked", policy, {**told, "move": str(move)}, by)
        return False
    if _is_second(policy, move, by):
        told["asked_by"] = policy.asked_by
    _do(policy, move, note, by)
    record_policy(VERBS[move], policy, told, by)
    return True


@transaction.atomic
def keep_policy(*, policy: Policy, by: Actor) -> None:
    """It stays as it is: what was asked for is taken back, by whoever may ask."""
    policy.refresh_from_db(from_queryset=Policy.objects.select_for_update())
    if policy.asked_move:
        record_policy("move_dropped", policy, {"move": policy.asked_move}, by)
        _forget(policy)
        policy.save(update_fields=[*ASKED, "updated_at"])


def _assert_possible(policy: Policy, move: Move) -> None:
    if move == Move.RETIRE and policy.live_version is None:
        raise StepNotPossible(f"{policy} is not in force, so there is nothing to retire.")
    if move != Move.RETIRE and policy.is_active == (move == Move.ON):
        raise StepNotPossible(f"{policy} is switched {move.value} already.")


def _is_second(policy: Policy, move: Move, by: Actor) -> bool:
    return (
        by.kind is ActorKind.MEMBER
        and policy.asked_move == move
        and policy.asked_by_id not in {"", key_of(by)}
    )


def _do(policy: Policy, move: Move, note: str, by: Actor) -> None:
    if move == Move.RETIRE:
        live = policy.live()
        assert live is not None  # it was asked before, and the policy is locked
        note_step(live, VersionStatus.RETIRED, note, by.label, key_of(by))
        policy.live_version = None
    else:
        policy.is_active = move == Move.ON
    _forget(policy)
    policy.save(update_fields=["live_version", "is_active", *ASKED, "updated_at"])


def _forget(policy: Policy) -> None:
    policy.asked_move = policy.asked_note = policy.asked_by = policy.asked_by_id = ""
