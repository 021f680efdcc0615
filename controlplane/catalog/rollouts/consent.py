"""Whether a tenant lets a rollout upgrade its installation, by policies and by its people.

Called inside the tenant. Nobody is asked where no layer has rules about upgrades.
"""

import uuid
from enum import StrEnum

from django.db import transaction

from controlplane.approvals.models import Approval
from controlplane.approvals.services import latest_for, request_approval
from controlplane.catalog.contexts import UPGRADE, facts_of, subject_id
from controlplane.catalog.models import Rollout, RolloutPlace
from controlplane.catalog.upgrades.planning import plan_upgrade
from controlplane.core.actor import Actor, ActorKind
from controlplane.policies.services import evaluate_facts, rule_sets_in_force
from controlplane.policies.subjects import SUBJECT
from controlplane.policies.verdicts import Verdict


class Answer(StrEnum):
    YES = "yes"
    ASKED = "asked"
    NO = "no"


def ask(rollout: Rollout, place: RolloutPlace, by: Actor) -> tuple[Answer, uuid.UUID | None]:
    """What the tenant's rules say; where they hold, its approvers are asked.

    Raises what `plan_upgrade` raises.
    """
    if not rule_sets_in_force(UPGRADE):
        return Answer.YES, None
    plan = plan_upgrade(
        installation_id=place.installation_id,
        release_id=rollout.release_id,
        take=rollout.take or None,  # type: ignore[arg-type]
    )
    with transaction.atomic():
        decision = evaluate_facts(
            context=UPGRADE,
            subject_id=subject_id(rollout, place.installation_id),
            data=facts_of(plan, rollout, place.ring),
            parameters={},
            models_used=None,
            snapshot="",
            by=by,
        )
        if decision.verdict == Verdict.HOLD:
            request_approval(
                subject_type=SUBJECT, subject_id=decision.pk, by=by, requested_by=_people(rollout)
            )
    return {Verdict.ACCEPT: Answer.YES, Verdict.HOLD: Answer.ASKED}.get(
        Verdict(decision.verdict), Answer.NO
    ), decision.pk


def _people(rollout: Rollout) -> list[Actor]:
    """Who began it decides none of its upgrades."""
    if not rollout.asked_by_id:
        return []
    return [Actor(ActorKind.MEMBER, rollout.asked_by_id, rollout.asked_by)]


def answered(decision_id: uuid.UUID) -> Answer:
    """What people have said by now."""
    approval = latest_for(SUBJECT, decision_id)
    if approval is None or approval.is_pending:
        return Answer.ASKED
    return Answer.YES if approval.status == Approval.Status.APPROVED else Answer.NO
