"""To whom a reply goes."""

from controlplane.support.models import Ticket
from tenants.context import current_tenant
from tenants.members import brand_of, is_address_of_member


def recipient_of(ticket: Ticket) -> str:
    """The requester; a test's is made up, so its reply goes to the partner's support, or nowhere.

    In a sandbox nobody but members are written to: who tries it out gives an address of their own.
    Empty where it goes nowhere.
    """
    tenant = current_tenant()
    if tenant.is_sandbox:
        address = ticket.requester_email
        return address if is_address_of_member(tenant, address) else ""
    if not ticket.is_test:
        return ticket.requester_email
    return brand_of(tenant).support_email
