"""How long tickets are kept; the examples that corrections made of them go along."""

from django.utils.translation import gettext_lazy as _

from controlplane.approvals.retention import keep_while_open
from controlplane.events.models import Event
from controlplane.knowledge.models import Answer
from controlplane.support.models import Ticket
from tenants.retention.classes import DataClass, Rows, RowStore, hold_back, register_class


def register() -> None:
    register_class(
        DataClass(
            "tickets",
            _("Tickets"),
            _("Questions of customers with names and addresses, and what was replied."),
            [RowStore(Ticket, "received_at")],
        )
    )
    keep_while_open(Ticket)
    hold_back(Ticket, _without_mail_under_way)
    hold_back(Answer, _without_answers_that_were_sent)
    hold_back(Event, _without_events_of_tickets)


def _without_mail_under_way(tickets: Rows) -> Rows:
    return tickets.exclude(mail__in=[Ticket.Mail.QUEUED, Ticket.Mail.SENDING])


def _without_answers_that_were_sent(answers: Rows) -> Rows:
    """They are shown with their ticket, and go when it has gone."""
    return answers.exclude(
        pk__in=Ticket.objects.filter(answer_id__isnull=False).values("answer_id")
    )


def _without_events_of_tickets(events: Rows) -> Rows:
    """The same ticket sent again is answered with its first event."""
    return events.exclude(pk__in=Ticket.objects.filter(event_id__isnull=False).values("event_id"))
