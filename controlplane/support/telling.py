"""How often a tenant's people are told of tickets that were handed over: once in ten minutes.

Anybody may write to support, and an inbox that is flooded is read no more. The first ticket is told
at once; those that come within the time after it are told together, when it has passed.
"""

import time
import uuid
from datetime import timedelta

from django.core.cache import cache
from django.db import transaction
from redis.exceptions import RedisError

from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.logs import get_logger
from controlplane.events import outbox
from controlplane.support.mail import mail_handed_over
from controlplane.support.models import Ticket
from controlplane.support.services.receiving import get_ticket

SECONDS = 10 * 60
# Of the tenant that is entered: the cache's keys carry it.
_TOLD, _LATER = "support:handed-over:told", "support:handed-over:later"

log = get_logger(__name__)


def tell_handed_over(ticket_id: uuid.UUID) -> int:
    """Mail that the ticket waits, or have it told with others later. Returns how many were told.

    Where it waits no more by then, the newest of those that do is told. Without Redis every one is
    told at once.
    """
    told = _to_tell(get_ticket(ticket_id))
    if told is None:
        return 0
    try:
        if not cache.add(_TOLD, time.time() + SECONDS, timeout=SECONDS):
            _tell_later(told)
            return 0
    except RedisError:
        log.warning("ticket.telling_not_counted", exc_info=True)
    return mail_handed_over(told.pk)


def tell_now(reference: uuid.UUID) -> None:
    """The outbox handler: the time has passed."""
    enqueue_on_commit("support.mail_handed_over", ticket_id=str(reference))


def forget_told() -> None:
    """For the tenant that is entered."""
    cache.delete_many([_TOLD, _LATER])


def _to_tell(ticket: Ticket) -> Ticket | None:
    if ticket.is_test:
        return None
    if ticket.status == Ticket.Status.HANDED_OVER:
        return ticket
    return Ticket.objects.waiting_for_people().order_by("-handed_over_at").first()


@transaction.atomic
def _tell_later(ticket: Ticket) -> None:
    """One for all that come until then."""
    left = max(1.0, float(cache.get(_TOLD, default=0)) - time.time()) + 1
    if cache.add(_LATER, 1, timeout=int(left)):
        outbox.put("support.tell_handed_over", ticket.pk, delay=timedelta(seconds=left))
