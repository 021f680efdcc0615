"""Whom an exception is given to, where a workflow names them: a member, or a team by its name."""

from dataclasses import dataclass

from controlplane.core.errors import DomainError, FieldError
from tenants.context import current_tenant
from tenants.members import people_of


class AssigneeUnknown(DomainError):
    code = "assignee_unknown"
    status = 422
    title = "Nobody of this workspace is called so"


@dataclass(frozen=True)
class Assignee:
    """`id` is empty for a team, and both are for nobody."""

    id: str
    name: str


def assignee_named(name: str) -> Assignee:
    """The member with this e-mail address, ID or full name; what is none of these is a team's name.

    Raises AssigneeUnknown for an address or an ID that is nobody's, and where several are meant.
    """
    wanted = name.strip()
    if not wanted:
        return Assignee("", "")
    people = people_of(current_tenant()).values()
    folded = wanted.casefold()
    found = [one for one in people if folded in {one.id, one.contact.email.casefold()}] or [
        one for one in people if one.name.casefold() == folded
    ]
    if len(found) == 1:
        return Assignee(found[0].id, found[0].name)
    if not found and "@" not in wanted and not wanted.isdecimal():
        return Assignee("", wanted)
    what = "is no member here" if not found else "is the name of several members here"
    raise AssigneeUnknown(
        f"“{wanted}” {what}. Name a member of the workspace or of its partners by e-mail address "
        "or ID, a team by its name, or leave the field empty for nobody.",
        errors=(FieldError("assignee", "names no one member"),),
    )
