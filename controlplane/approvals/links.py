"""Where a person finds an approval, in mails and in n8n."""

from django.db import connection

from controlplane.approvals.models import Approval


def portal_link(approval: Approval) -> str:
    """The absolute address on the tenant's host; the tenant is the one that is entered."""
    return f"{connection.tenant.portal_url}/approvals/{approval.pk}/"
