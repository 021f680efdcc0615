"""To whom a reply goes."""

from controlplane.support.models import Ticket
from tenants.context import current_tenant
from tenants.members import brand_of


def recipient_of(ticket: Ticket) -> str:
    """The requester; a test's is made up, so its reply goes to the partner's support, or nowhere.

    Empty where it goes nowhere.
    """
    if not ticket.is_test:
        return ticket.requester_email
    return brand_of(current_tenant()).support_email
