"""Synthetic tickets for a sandbox: the same in each, of nobody."""

from controlplane.core.actor import Actor
from controlplane.support.models import Ticket
from controlplane.support.services.receiving import receive_ticket

_TICKETS = (
    ("Where is my parcel?", "I ordered a lamp last week and the tracking page stands still."),
    ("Return of a pump", "How long can I return goods that I have not used?"),
    ("Copy of an invoice", "Where do I get a copy of last month's invoice?"),
    ("Sponsorship", "Would you like to sponsor our regatta in June?"),
)


def add_sample_tickets(by: Actor) -> None:
    """A reply goes to none of them: no member has such an address."""
    for number, (subject, body) in enumerate(_TICKETS, start=1):
        receive_ticket(
            subject=subject,
            body=body,
            requester_name=f"Sample Customer {number}",
            requester_email=f"customer-{number}@customer.example",
            channel=Ticket.Channel.API,
            external_id=f"synthetic-{number}",
            language="en",
            by=by,
        )
