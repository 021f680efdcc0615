"""Where a person finds an approval, in mails and in n8n; and the links that answer from a mail.

A mailed link is signed for its tenant and random besides. It lets one member answer one revision of
one approval once, until it expires. To open it decides nothing: mail programs and virus scanners
open links too.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils import timezone

from controlplane.approvals import services
from controlplane.approvals.electorate import Electorate
from controlplane.approvals.models import Approval, MailLink
from controlplane.core.errors import DomainError
from tenants.context import current_schema, current_tenant
from tenants.members import Person

GOOD_FOR = timedelta(days=14)


class LinkOver(DomainError):
    code = "approval_link_over"
    status = 410
    title = "The link does not work any more"


@dataclass(frozen=True)
class Opened:
    """What a link leads to, and for whom."""

    link: MailLink
    approval: Approval
    person: Person


def portal_link(approval: Approval) -> str:
    """The absolute address on the tenant's host; the tenant is the one that is entered."""
    return f"{current_tenant().portal_url}/approvals/{approval.pk}/"


def new_link(approval: Approval, *, member_id: str) -> str:
    """The absolute address of a fresh link for this member; what it opens with is kept nowhere."""
    secret = secrets.token_urlsafe(24)
    ends: datetime = min(approval.expires_at, timezone.now() + GOOD_FOR)
    MailLink.objects.create(
        approval=approval,
        revision=approval.revision,
        member_id=member_id,
        token_sha256=_digest(secret),
        expires_at=ends,
    )
    return f"{current_tenant().portal_url}/approvals/by-mail/{_signer().sign(secret)}/"


def open_link(token: str) -> Opened:
    """Look, and change nothing. Raises LinkOver, AlreadyEnded, ApprovalChanged."""
    return _opened(_found(token), _electorate(token))


def decide_by_link(*, token: str, decision: str, comment: str) -> Approval:
    """The member's answer; the link is used up by it, and by nothing less.

    Raises LinkOver, and all that `decide` raises.
    """
    electorate = _electorate(token)
    with transaction.atomic():
        found = _found(token, lock=True)
        opened = _opened(found, electorate)
        approval, is_answered = services.answer(
            found.approval_id,
            decision=decision,
            comment=comment,
            by=opened.person.actor,
            revision=found.revision,
            principal=found.member_id,
            electorate=electorate,
        )
        if not is_answered:
            raise services.AlreadyEnded(approval)
        found.used_at = timezone.now()
        found.save(update_fields=["used_at", "updated_at"])
    return approval


def _electorate(token: str) -> Electorate:
    """Read before the transaction of the answer. Raises LinkOver."""
    return Electorate.now(only={_found(token).member_id})


def _found(token: str, *, lock: bool = False) -> MailLink:
    """Raises LinkOver, in the same words whatever is wrong with an address that is not ours."""
    try:
        secret = _signer().unsign(token)
    except BadSignature:
        raise LinkOver(
            "The address was not copied whole, or is not one of ours. Open the link in the mail "
            "again, or decide in the portal."
        ) from None
    rows = MailLink.objects.select_for_update() if lock else MailLink.objects.all()
    link = rows.filter(token_sha256=_digest(secret)).first()
    if link is None:
        raise LinkOver("What it was about is gone. Look into the portal.")
    if link.used_at is not None:
        raise LinkOver(
            f"It was used on {link.used_at:%Y-%m-%d %H:%M} UTC, and works once. Your answer of "
            "then counts; nothing was changed now."
        )
    return link


def _opened(link: MailLink, electorate: Electorate) -> Opened:
    approval = services.get_approval(link.approval_id)
    if not approval.is_pending:
        raise services.AlreadyEnded(approval)
    if link.expires_at <= timezone.now():
        raise LinkOver(
            f"It was good until {link.expires_at:%Y-%m-%d %H:%M} UTC. Decide in the portal."
        )
    if link.revision != approval.revision:
        raise services.ApprovalChanged(
            "It was judged anew since the mail was sent, so the link decides nothing. A newer mail "
            "or the portal shows how it stands now."
        )
    person = electorate.people.get(link.member_id)
    steps = electorate.steps_of(approval.rules, link.member_id)[0] if person else frozenset()
    if person is None or not steps:
        raise LinkOver("You are not asked about this any more. Look into the portal.")
    if person.must_log_in:
        raise LinkOver(
            "You log in with a second factor or by your partner’s sign-on, and a mail can ask for "
            "neither. Decide in the portal."
        )
    return Opened(link, approval, person)


def _signer() -> Signer:
    return Signer(salt=f"approvals.mail.{current_schema()}", sep="~")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
