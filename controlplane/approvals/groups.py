"""Named groups of approvers: people of the customer and of its partners who decide together."""

import uuid
from collections.abc import Collection

from django.db import transaction

from controlplane.approvals.models import Group, GroupMember
from controlplane.approvals.routes import uses_of
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from tenants.context import current_tenant
from tenants.members import people_of


class GroupUnknown(DomainError):
    code = "approver_group_unknown"
    status = 404
    title = "No such group"


class GroupInvalid(DomainError):
    code = "approver_group_invalid"
    status = 422
    title = "The group cannot be kept like this"


class GroupInUse(DomainError):
    code = "approver_group_in_use"
    status = 409
    title = "The group is still asked"


def get_group(group_id: uuid.UUID) -> Group:
    """Raises GroupUnknown."""
    try:
        return Group.objects.get(pk=group_id)
    except Group.DoesNotExist:
        raise GroupUnknown(f"This tenant has no group {group_id}.") from None


def save_group(
    *,
    group: Group | None,
    slug: str,
    name: str,
    description: str = "",
    member_ids: Collection[str],
    by: Actor,
) -> Group:
    """A new group, or all of one changed; its short name stays, since routes name it by that.

    Who is in it counts at the moment of each vote. Raises GroupInvalid.
    """
    people = people_of(current_tenant())
    if strangers := set(member_ids) - set(people):
        raise GroupInvalid(
            "Only people with a role in this workspace can be in a group. Invite them first.",
            errors=tuple(FieldError("members", f"{each} is nobody here") for each in strangers),
        )
    if group is None and Group.objects.filter(slug=slug).exists():
        raise GroupInvalid(
            f"There is a group “{slug}” already. Choose another short name.",
            errors=(FieldError("slug", "is taken"),),
        )
    with transaction.atomic():
        kept = group or Group(slug=slug)
        before = None if group is None else _members(kept)
        kept.name, kept.description = name, description
        kept.save()
        kept.members.exclude(member_id__in=member_ids).delete()
        for member_id in member_ids:
            GroupMember.objects.update_or_create(
                group=kept, member_id=member_id, defaults={"member_label": people[member_id].name}
            )
        _record(
            "approver_group.changed" if group else "approver_group.created",
            kept,
            {"before": before, "after": _members(kept)},
            by,
        )
    return kept


@transaction.atomic
def delete_group(*, group: Group, by: Actor) -> None:
    """Raises GroupInUse where a route or an approval that waits asks it."""
    if used := uses_of(group.slug):
        raise GroupInUse(
            f"“{group.name}” is asked by {', '.join(used[:5])}. Change these first, or take people "
            "out of the group."
        )
    _record("approver_group.deleted", group, {"before": _members(group)}, by)
    group.delete()


def _members(group: Group) -> list[str]:
    return list(group.members.order_by("member_label").values_list("member_label", flat=True))


def _record(action: str, group: Group, data: dict[str, object], by: Actor) -> None:
    record(
        action=action,
        subject_type="approver_group",
        subject_id=str(group.pk),
        data={"slug": group.slug, "name": group.name, **data},
        by=by,
    )
