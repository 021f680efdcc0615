"""What time does to approvals: reminders, the next step, the end that the terms state."""

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from controlplane.approvals import machine
from controlplane.approvals.machine import State
from controlplane.approvals.models import Approval
from controlplane.approvals.rows import put_step, state_of
from controlplane.approvals.services.ending import EXPIRY, end_approval, end_by_time, record_step
from controlplane.approvals.services.lookup import blocked_by
from controlplane.approvals.subjects import lock_subject
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.logs import get_logger

log = get_logger(__name__)


@dataclass
class Advanced:
    """How many approvals ended, went a step further, and were reminded of."""

    ended: int = 0
    escalated: int = 0
    reminded: int = 0


def advance_due() -> Advanced:
    """Do what is due, each approval by itself: one that fails keeps no other waiting.

    Run as often as one likes, and by clocks that go back: what was done stands in the row. Raises
    RuntimeError at the end where something failed.
    """
    done, failed = Advanced(), []
    due = Approval.objects.due(at=timezone.now()).order_by("expires_at", "pk")
    for key, kind, subject in due.values_list("pk", "subject_type", "subject_id"):
        try:
            _advance(key, kind, subject, done)
        except Exception:
            log.exception("approval.not_advanced", approval_id=str(key))
            failed.append(str(key))
    if failed:
        raise RuntimeError(f"{len(failed)} approvals could not be advanced: {', '.join(failed)}")
    return done


def expire_overdue() -> int:
    """End what nobody answered in time, and all else that is due. Returns how many ended."""
    return advance_due().ended


@transaction.atomic
def _advance(key: uuid.UUID, kind: str, subject_id: uuid.UUID, done: Advanced) -> None:
    lock_subject(kind, subject_id)
    approval = Approval.objects.select_for_update(skip_locked=True).filter(pk=key).first()
    if approval is None or not approval.is_pending:
        return
    before = approval.step
    state = let_time_pass(approval)
    done.ended += not approval.is_pending
    done.escalated += approval.step != before
    if approval.is_pending and machine.must_remind(state, now=timezone.now()):
        approval.reminded_at, approval.remind_at = timezone.now(), None
        approval.save(update_fields=["reminded_at", "remind_at", "updated_at"])
        _tell(approval, "reminder")
        done.reminded += 1


def let_time_pass(approval: Approval) -> State:
    """Of a locked row, in a transaction: the step or the end that its time has brought."""
    before = state_of(approval)
    after = machine.pass_time(before, now=timezone.now())
    if after == before:
        return before
    went_on = after.step != before.step
    put_step(approval, after)
    if went_on:
        told = {"step": after.step + 1, "name": after.terms.steps[after.step].name}
        record_step("approval.escalated", approval, told, EXPIRY)
    if after.is_pending:
        approval.save()
        _tell(approval, "escalated")
    elif went_on:
        # Those who had answered suffice for the step that is asked now.
        approval.decided_by_id, approval.decided_by = EXPIRY.id, EXPIRY.label
        approval.comment = "Whoever had agreed before suffices for the step that was reached."
        _end_unless_blocked(approval, after)
    else:
        end_by_time(approval, Approval.Status(after.status), blocked=blocked_by(approval))
    return state_of(approval)


def _end_unless_blocked(approval: Approval, after: State) -> None:
    if blocked_by(approval):
        approval.decided_by_id = approval.decided_by = approval.comment = ""
        approval.save()
        return
    end_approval(approval, Approval.Status(after.status), by=EXPIRY)


def _tell(approval: Approval, why: str) -> None:
    enqueue_on_commit("approvals.mail_waiting", approval_id=str(approval.pk), why=why)
