"""What the tickets say of a customer of whom only the e-mail address is known."""

from collections.abc import Mapping
from typing import Any

from controlplane.support.models import Ticket

Status = Ticket.Status
WAITING = (Status.NEW, Status.TRIAGED, Status.WAITING, Status.HANDED_OVER)


def known_of(email: str) -> Mapping[str, Any]:
    """Of the newest question that is no test, and how many wait for an answer."""
    tickets = Ticket.objects.filter(requester_email__iexact=email, is_test=False)
    newest = tickets.recent().first() if email else None
    if newest is None:
        return {}
    return {
        "name": newest.requester_name,
        "language": newest.language,
        "open_ticket_count": tickets.filter(status__in=WAITING).count(),
    }
