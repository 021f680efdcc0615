"""The e-mail that says that something waits."""

import uuid

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from controlplane.approvals.links import portal_link
from controlplane.approvals.services import get_approval
from controlplane.core.logs import get_logger
from tenants.context import current_tenant
from tenants.environments.marks import marked_subject
from tenants.members import brand_of, deciders_of

log = get_logger(__name__)


def mail_waiting(approval_id: uuid.UUID) -> int:
    """Tell everyone who may decide, each in their language and zone. Returns how many.

    An address that the mail server refuses stops no other; raises RuntimeError at the end then.
    """
    approval = get_approval(approval_id)
    if not approval.is_pending:
        return 0
    tenant = current_tenant()
    brand = brand_of(tenant)
    deciders = deciders_of(tenant)
    refused = 0
    for decider in deciders:
        with translation.override(decider.language), timezone.override(decider.time_zone):
            context = {
                "approval": approval,
                "tenant": tenant,
                "brand": brand,
                "decider": decider,
                "link": portal_link(approval),
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
        raise RuntimeError(f"{refused} of {len(deciders)} mails about {approval_id} were not sent")
    return len(deciders)
