"""A tenant's own members: their role changed, and their access taken away.

Each change stands in the tenant's audit trail. Called outside of a tenant.
"""

import uuid

from django.db import transaction

from controlplane.audit.changes import record_change, snapshot
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from tenants.context import inside
from tenants.models import Member, Tenant


class MemberUnknown(DomainError):
    code = "member_unknown"
    status = 404
    title = "There is no such member"


class LastManager(DomainError):
    code = "member_last_manager"
    status = 409
    title = "Somebody has to stay a manager"


def get_member(member_id: uuid.UUID, tenant: Tenant) -> Member:
    """One of the tenant's own; a partner's are the partner's to change. Raises MemberUnknown."""
    found = Member.objects.select_related("user", "tenant").filter(
        pk=member_id, tenant=tenant.customer_id
    )
    member = found.first()
    if member is None:
        raise MemberUnknown(f"{tenant} has no such member. Somebody may have removed them.")
    return member


@transaction.atomic
def change_role(*, member: Member, role: str, by: Actor) -> Member:
    """Counts from the member's next request on. Raises LastManager."""
    _hold_tenant(member)
    before = snapshot(member)
    if role != Member.Role.MANAGER:
        _assert_not_last(member)
    member.role = role
    member.save(update_fields=["role", "updated_at"])
    _note("member.changed", member, before, snapshot(member), by)
    return member


@transaction.atomic
def remove_member(*, member: Member, by: Actor) -> None:
    """Out at the next request; who is a partner's member too stays that. Raises LastManager."""
    _hold_tenant(member)
    _assert_not_last(member)
    _note("member.removed", member, snapshot(member), {}, by)
    member.delete()


def _hold_tenant(member: Member) -> None:
    """Two managers who remove one another come one after the other."""
    assert member.tenant is not None
    Tenant.objects.select_for_update(no_key=True).get(pk=member.tenant.pk)


def _assert_not_last(member: Member) -> None:
    managers = Member.objects.filter(
        tenant=member.tenant_id, role=Member.Role.MANAGER, user__is_active=True
    )
    if managers.filter(pk=member.pk).exists() and managers.count() == 1:
        raise LastManager(
            f"{member.user} is the only manager of {member.tenant}. Make somebody else a manager "
            "first."
        )


def _note(
    action: str, member: Member, before: dict[str, object], after: dict[str, object], by: Actor
) -> None:
    assert member.tenant is not None
    with inside(member.tenant):
        record_change(action=action, row=member, before=before, after=after, by=by)
