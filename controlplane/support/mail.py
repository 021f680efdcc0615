"""Mails about a ticket: the reply to its requester, and word to the people who take it over."""

import re
import unicodedata
import uuid
from collections.abc import Iterable
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from controlplane.core.logs import get_logger
from controlplane.support.drafts import Draft
from controlplane.support.models import Ticket
from controlplane.support.queues import label_of
from controlplane.support.recipients import recipient_of
from controlplane.support.services.receiving import get_ticket, ticket_link
from tenants.context import current_tenant
from tenants.environments.marks import marked_subject
from tenants.members import brand_of, deciders_of

# What a mail program makes a link of.
_LINK = re.compile(r"://|@|\bwww\b|(?<=\w)[.。．｡](?=[^\W\d_]{2})", re.IGNORECASE)

log = get_logger(__name__)


def reply_message(ticket: Ticket, draft: Draft) -> EmailMessage:
    """The reply with its sources, in the ticket's language, under the tenant's name.

    Its Message-ID is made of ticket and answer: the same reply has the same one at every try, so a
    mail system that meets it twice can tell.
    """
    tenant = current_tenant()
    brand = brand_of(tenant)
    recipient = recipient_of(ticket)
    _name, address = parseaddr(brand.mail_from)
    with translation.override(_language_of(ticket)):
        context = {
            "ticket": ticket,
            "name": _harmless(ticket.requester_name, longest=60),
            "subject": _harmless(ticket.subject, longest=200),
            "text": ticket.reply_text,
            "sources": list(_sources(draft.citations)),
            "tenant": tenant,
            "brand": brand,
        }
        return EmailMessage(
            subject=marked_subject(render_to_string("support/reply_subject.txt", context), tenant),
            body=render_to_string("support/reply.txt", context),
            from_email=formataddr((tenant.name, address)),
            to=[recipient] if recipient else [],
            reply_to=brand.reply_to,
            headers={
                "Message-ID": f"<{ticket.pk}.{draft.answer_id}@{address.rpartition('@')[2]}>",
                "Auto-Submitted": "auto-replied",
            },
        )


def mail_handed_over(ticket_id: uuid.UUID) -> int:
    """Tell everyone who may decide that a ticket is theirs now; of a test nobody. Returns how many.

    An address that the mail server refuses stops no other; raises RuntimeError at the end then.
    """
    ticket = get_ticket(ticket_id)
    if ticket.is_test:
        return 0
    tenant = current_tenant()
    brand = brand_of(tenant)
    deciders = deciders_of(tenant)
    waiting = Ticket.objects.waiting_for_people().count()
    refused = 0
    for decider in deciders:
        with translation.override(decider.language), timezone.override(decider.time_zone):
            context: dict[str, Any] = {
                "ticket": ticket,
                "intent": label_of(ticket.intent) if ticket.intent else "",
                "tenant": tenant,
                "brand": brand,
                "decider": decider,
                "link": ticket_link(ticket),
                "waiting": waiting,
            }
            message = EmailMessage(
                subject=marked_subject(
                    render_to_string("support/handed_over_subject.txt", context), tenant
                ),
                body=render_to_string("support/handed_over.txt", context),
                from_email=brand.mail_from,
                to=[decider.email],
                reply_to=brand.reply_to,
            )
            try:
                message.send()
            except OSError:  # SMTPException is one too
                log.exception("ticket.mail_failed", ticket_id=str(ticket.pk))
                refused += 1
    if refused:
        raise RuntimeError(f"{refused} of {len(deciders)} mails about {ticket_id} were not sent")
    return len(deciders)


def _language_of(ticket: Ticket) -> str:
    """The ticket's where Pergola speaks it, else the tenant's."""
    offered = {code for code, _name in settings.LANGUAGES}
    return ticket.language if ticket.language in offered else current_tenant().language


def _harmless(text: str, *, longest: int) -> str:
    """Empty where it is more than a name or a subject.

    Anybody may write to support in another's name. The reply then goes to whoever that is, and
    must not carry a stranger's advertisement under the tenant's own.
    """
    seen = "".join(char for char in text if unicodedata.category(char)[0] != "C")
    return "" if len(seen) > longest or _LINK.search(seen) else seen


def _sources(citations: Iterable[dict[str, Any]]) -> Iterable[dict[str, str]]:
    """Each document once, in the order in which the answer leans on them.

    One without an address of its own is named only: customers cannot open the portal's page.
    """
    portal = current_tenant().portal_url
    seen = set()
    for citation in citations:
        url = str(citation.get("url") or "")
        source = {
            "title": str(citation.get("title") or ""),
            "url": "" if url.startswith(portal) else url,
        }
        key = (source["title"], source["url"])
        if source["title"] and key not in seen:
            seen.add(key)
            yield source
