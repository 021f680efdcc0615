"""The mail that tells a tenant's managers that a platform admin is in their workspace."""

import uuid

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from controlplane.core.logs import get_logger
from tenants.environments.marks import marked_subject
from tenants.members import brand_of, managers_of
from tenants.models import SupportEntry

log = get_logger(__name__)


def mail_entered(entry_id: uuid.UUID) -> int:
    """Tell everyone who manages the tenant, each in their language and zone. Returns how many.

    An address that the mail server refuses stops no other; raises RuntimeError at the end then.
    """
    entry = SupportEntry.objects.select_related("tenant").get(pk=entry_id)
    brand, managers = brand_of(entry.tenant), managers_of(entry.tenant)
    refused = 0
    for manager in managers:
        with translation.override(manager.language), timezone.override(manager.time_zone):
            context = {
                "entry": entry,
                "brand": brand,
                "manager": manager,
                "link": f"{entry.tenant.portal_url}/support-access/",
            }
            subject = render_to_string("tenants/support_entered_subject.txt", context)
            message = EmailMessage(
                subject=marked_subject(subject, entry.tenant),
                body=render_to_string("tenants/support_entered.txt", context),
                from_email=brand.mail_from,
                to=[manager.email],
                reply_to=brand.reply_to,
            )
            try:
                message.send()
            except OSError:  # SMTPException is one too
                log.exception("support_entry.mail_failed", entry_id=str(entry.pk))
                refused += 1
    if refused:
        raise RuntimeError(f"{refused} of {len(managers)} mails about {entry_id} were not sent")
    return len(managers)
