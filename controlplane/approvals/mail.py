"""The e-mail that says that something waits."""

import uuid

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from controlplane.approvals.electorate import Electorate
from controlplane.approvals.links import new_link, portal_link
from controlplane.approvals.machine import State
from controlplane.approvals.models import Approval
from controlplane.approvals.rows import state_of
from controlplane.approvals.services import get_approval
from controlplane.core.logs import get_logger
from tenants.context import current_tenant
from tenants.environments.marks import marked_subject
from tenants.members import Person, brand_of

log = get_logger(__name__)


def mail_waiting(approval_id: uuid.UUID, *, why: str = "asked") -> int:
    """Tell everyone who may decide now and has not, each in their language and zone.

    And those who stand in for them; never whoever asked. Each mail has a link of its own that
    answers once. Returns how many. An address that the mail server refuses stops no other; raises
    RuntimeError at the end then.
    """
    approval = get_approval(approval_id)
    if not approval.is_pending:
        return 0
    tenant = current_tenant()
    brand = brand_of(tenant)
    electorate, state = Electorate.now(), state_of(approval)
    told = whom_to_tell(state, electorate, only_new=why == "escalated")
    refused = 0
    for person in told:
        decider = person.contact
        with translation.override(decider.language), timezone.override(decider.time_zone):
            context = {
                "approval": approval,
                "tenant": tenant,
                "brand": brand,
                "decider": decider,
                "why": why,
                "outcome": approval.rules.on_expiry,
                "link": portal_link(approval),
                "answer_link": _answer_link(approval, person, state, electorate),
            }
            message = EmailMessage(
                subject=marked_subject(
                    render_to_string("approvals/waiting_subject.txt", context), tenant
                ),
                body=render_to_string("approvals/waiting.txt", context),
                from_email=brand.mail_from,
                to=[decider.email],
                reply_to=brand.reply_to,
            )
            try:
                message.send()
            except OSError:  # SMTPException is one too
                log.exception("approval.mail_failed", approval_id=str(approval.pk))
                refused += 1
    if refused:
        raise RuntimeError(f"{refused} of {len(told)} mails about {approval_id} were not sent")
    return len(told)


def _answer_link(approval: Approval, person: Person, state: State, electorate: Electorate) -> str:
    """For those who are asked themselves: who stands in says in the portal for whom."""
    is_asked = electorate.steps_of(state.terms, person.id)[0] & set(state.open_steps)
    return new_link(approval, member_id=person.id) if is_asked and not person.must_log_in else ""


def whom_to_tell(state: State, electorate: Electorate, *, only_new: bool = False) -> list[Person]:
    """Of the steps that are asked now, or only the last of them, in order of their names."""
    steps = state.open_steps[-1:] if only_new else state.open_steps
    asked = {
        person.id for number in steps for person in electorate.asked_by(state.terms.steps[number])
    }
    for principal, delegate in electorate.delegations:
        if principal in asked and electorate.stands_in(delegate, principal):
            asked.add(delegate)
    voted = frozenset().union(*(ballot.people for ballot in state.ballots))
    left = [electorate.people[each] for each in asked - voted - state.requesters]
    return sorted(
        (person for person in left if person.contact.email), key=lambda person: person.name
    )
