"""Who caused a request, where a workflow or the subject says so: that person never decides it."""

from collections.abc import Iterable

from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from tenants.context import current_tenant
from tenants.members import people_named


class RequesterUnknown(DomainError):
    code = "requester_unknown"
    status = 422
    title = "Nobody of this workspace is called so"


def requesters_named(name: str) -> list[Actor]:
    """The member with this e-mail address or ID; all of them where several share the address.
    Nobody for an empty name. Raises RequesterUnknown.
    """
    if not name.strip():
        return []
    if not (found := people_named(current_tenant(), [name])):
        raise RequesterUnknown(
            f"“{name.strip()}” is no member here. Name a member of the workspace or of its "
            "partners by e-mail address or ID, or leave the field empty where no person asks.",
            errors=(FieldError("requested_by", "names no member"),),
        )
    return [person.actor for person in found]


def members_among(names: Iterable[str]) -> tuple[Actor, ...]:
    """Of these e-mail addresses those that are members': a customer's is nobody's here."""
    wanted = [name for name in names if name.strip()]
    if not wanted:
        return ()
    return tuple(person.actor for person in people_named(current_tenant(), wanted))
