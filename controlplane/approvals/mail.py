"""The e-mail that says that something waits."""

import uuid

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from controlplane.approvals.links import portal_link
from controlplane.approvals.services import get_approval
from tenants.context import current_tenant
from tenants.members import brand_of, deciders_of


def mail_waiting(approval_id: uuid.UUID) -> int:
    """Tell everyone who may decide, each in their language and zone. Returns how many."""
    approval = get_approval(approval_id)
    if not approval.is_pending:
        return 0
    tenant = current_tenant()
    brand = brand_of(tenant)
    deciders = deciders_of(tenant)
    for decider in deciders:
        with translation.override(decider.language), timezone.override(decider.time_zone):
            context = {
                "approval": approval,
                "tenant": tenant,
                "brand": brand,
                "decider": decider,
                "link": portal_link(approval),
            }
            EmailMessage(
                # In one line: a shop names its orders, and a line break is refused in a header.
                subject=" ".join(
                    render_to_string("approvals/waiting_subject.txt", context).split()
                ),
                body=render_to_string("approvals/waiting.txt", context),
                from_email=settings.DEFAULT_FROM_EMAIL,
                to=[decider.email],
                reply_to=[brand.support_email] if brand.support_email else None,
            ).send()
    return len(deciders)
