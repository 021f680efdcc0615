"""Platform admins inside a tenant."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from tenants.models import Member, SupportEntry, Tenant


def make_entry(user: User, tenant: Tenant, **given: Any) -> SupportEntry:
    """Open for half an hour, to look only."""
    now = timezone.now()
    return SupportEntry.objects.create(
        **{
            "user": user,
            "person": user.get_full_name() or user.get_username(),
            "tenant": tenant,
            "reason": "Ticket 4711: an order is held",
            "as_role": Member.Role.VIEWER,
            "started_at": now,
            "expires_at": now + timedelta(minutes=30),
            **given,
        }
    )
