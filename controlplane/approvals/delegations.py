"""Standing in: one person lets another decide for them between two times."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from controlplane.approvals.electorate import assert_takes_part
from controlplane.approvals.models import Delegation
from controlplane.audit.services import record
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError, FieldError
from tenants.context import current_tenant
from tenants.members import people_of
from tenants.permissions import Permission

LONGEST = timedelta(days=366)


class DelegationUnknown(DomainError):
    code = "delegation_unknown"
    status = 404
    title = "No such delegation"


class DelegationInvalid(DomainError):
    code = "delegation_invalid"
    status = 422
    title = "It cannot be delegated like this"


def delegate(
    *, to: str, starts_at: datetime, ends_at: datetime, reason: str = "", by: Actor
) -> Delegation:
    """Let the person with the id `to` decide in the actor's place, from one time to the other.

    What the actor may decide, and nothing that was delegated to the actor: there are no chains.
    Raises DelegationInvalid, TakesNoPart.
    """
    if by.kind is not ActorKind.MEMBER:
        raise DelegationInvalid("Only a person delegates. Log in to the portal.")
    assert_takes_part(by)
    people = people_of(current_tenant())
    other = people.get(to)
    problems = []
    if by.id == to:
        problems.append(FieldError("to", "choose somebody else than yourself"))
    elif other is None:
        problems.append(FieldError("to", "has no role in this workspace"))
    elif not (Permission.DECIDE in other.grant.by_role and other.grant.may(Permission.PAYLOAD)):
        problems.append(FieldError("to", "is no approver here, or may not see customer data"))
    if by.id not in people:
        problems.append(FieldError("to", "you have no role of your own in this workspace"))
    if ends_at <= starts_at:
        problems.append(FieldError("ends_at", "has to come after the beginning"))
    elif ends_at <= timezone.now():
        problems.append(FieldError("ends_at", "is over already"))
    elif ends_at - starts_at > LONGEST:
        problems.append(FieldError("ends_at", "a year is the longest"))
    if problems or other is None:
        said = "; ".join(each.message for each in problems)
        raise DelegationInvalid(f"Nothing was delegated: {said}.", errors=tuple(problems))
    with transaction.atomic():
        made = Delegation.objects.create(
            principal_id=by.id,
            principal_label=by.label,
            delegate_id=to,
            delegate_label=other.name,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason,
        )
        _record("delegation.made", made, by)
    return made


@transaction.atomic
def revoke_delegation(*, delegation_id: uuid.UUID, by: Actor, may_all: bool = False) -> Delegation:
    """From now on it counts no more; again changes nothing. One's own, or `may_all`.

    Raises DelegationUnknown.
    """
    found = Delegation.objects.select_for_update().filter(pk=delegation_id).first()
    if found is None or not (may_all or found.principal_id == by.id):
        raise DelegationUnknown(f"You have no delegation {delegation_id}.")
    if found.revoked_at is None:
        found.revoked_at = timezone.now()
        found.save(update_fields=["revoked_at", "updated_at"])
        _record("delegation.revoked", found, by)
    return found


def _record(action: str, delegation: Delegation, by: Actor) -> None:
    record(
        action=action,
        subject_type="delegation",
        subject_id=str(delegation.pk),
        data={
            "for": delegation.principal_label,
            "to": delegation.delegate_label,
            "starts_at": delegation.starts_at.isoformat(),
            "ends_at": delegation.ends_at.isoformat(),
        },
        by=by,
    )
