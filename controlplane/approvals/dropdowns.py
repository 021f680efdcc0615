"""What a node's drop-downs show of approvals: who is asked, and by which route."""

from django.db.models import Q, QuerySet

from controlplane.approvals.models import Group, Route
from controlplane.nodes.choices import Choice, ChoiceList, matching, offer
from tenants.context import current_tenant
from tenants.members import people_of

_SCOPES = frozenset({"approvals:request", "approvals:read"})


def register() -> None:
    offer(
        ChoiceList("approver_groups", "a group", "Short Name", _SCOPES, _groups, _shown_group),
        ChoiceList("approval_routes", "a route", "ID", _SCOPES, _routes, _shown_route),
        ChoiceList(
            "members",
            "a member",
            "E-Mail Address or ID",
            frozenset({"approvals:request", "exceptions:handle"}),
            _members,
            lambda one: one,
        ),
    )


def _groups(search: str) -> QuerySet[Group]:
    found = Group.objects.order_by("name", "pk")
    return found.filter(Q(name__icontains=search) | Q(slug__icontains=search)) if search else found


def _shown_group(row: Group) -> Choice:
    return Choice(row.slug, row.name, row.description)


def _routes(search: str) -> QuerySet[Route]:
    return Route.objects.filter(name__icontains=search).order_by("name", "pk")


def _shown_route(row: Route) -> Choice:
    return Choice(str(row.pk), row.name, row.subject_type)


def _members(search: str) -> list[Choice]:
    """By address, which a workflow keeps; one without any is named by ID."""
    people = people_of(current_tenant()).values()
    lines = [
        Choice(person.contact.email or person.id, person.name, person.contact.email)
        for person in people
    ]
    return sorted(matching(lines, search), key=lambda one: (one.name.casefold(), one.value))
