"""Where a person finds an approval, in mails and in n8n."""

from controlplane.approvals.models import Approval
from tenants.context import current_tenant


def portal_link(approval: Approval) -> str:
    """The absolute address on the tenant's host; the tenant is the one that is entered."""
    return f"{current_tenant().portal_url}/approvals/{approval.pk}/"
