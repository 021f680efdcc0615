"""Who may decide an approval: its terms, held against the people of the tenant.

Asked before a transaction writes, since people are shared rows. A step that names people lets them
decide whose role is approver or manager and who may see customer data: nobody decides on what they
may not look at. A step that names nobody asks whom the table of permissions lets decide.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.utils import timezone

from controlplane.approvals.machine import Ballot, State, Why, refusal
from controlplane.approvals.models import Delegation, GroupMember
from controlplane.approvals.terms import Step, Terms
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError
from tenants.context import current_tenant
from tenants.members import CUSTOMER, Person, Seat, people_of
from tenants.permissions import Permission

DECIDE = "approvals:decide"
"""The scope of a member whose role may answer."""


@dataclass(frozen=True)
class Electorate:
    """The people of the entered tenant as they are now, or those who have a part in one vote.

    `groups`: the members of each by its slug. `delegations`: pairs of principal and delegate that
    are in force.
    """

    people: Mapping[str, Person]
    groups: Mapping[str, frozenset[str]]
    delegations: frozenset[tuple[str, str]]

    @classmethod
    def now(cls, *, only: Collection[str] | None = None) -> "Electorate":
        return cls(
            people=people_of(current_tenant(), only=only),
            groups=_members_of_groups(),
            delegations=frozenset(
                Delegation.objects.in_force(at=timezone.now()).values_list(
                    "principal_id", "delegate_id"
                )
            ),
        )

    def ballot(self, terms: Terms, *, by: Actor, principal: str, approves: bool) -> Ballot:
        """`principal` is the actor's own id, or whom the actor stands in for."""
        if principal == by.id:
            steps, organisation = self._own(terms, by)
        elif self.stands_in(by.id, principal):
            steps, organisation = self.steps_of(terms, principal)
        else:
            steps, organisation = frozenset(), ""
        return Ballot(by.id, principal, organisation, approves, steps)

    def stands_in(self, delegate: str, principal: str) -> bool:
        """Whether the delegate may decide for the principal now. One step, never a chain."""
        return (principal, delegate) in self.delegations and self._may_be_named(delegate)

    def principals_of(self, delegate: str) -> list[Person]:
        """For whom this person may decide now, in order of their names."""
        ids = {principal for principal, other in self.delegations if other == delegate}
        found = (
            [self.people[each] for each in ids if each in self.people]
            if self._may_be_named(delegate)
            else []
        )
        return sorted(found, key=lambda person: person.name)

    def steps_of(self, terms: Terms, person_id: str) -> tuple[frozenset[int], str]:
        """Which steps the person may decide, and for which organisation."""
        person = self.people.get(person_id)
        if person is None:
            return frozenset(), ""
        seats = {
            number: seat
            for number, step in enumerate(terms.steps)
            if (seat := self._seat(step, person)) is not None
        }
        organisation = seats[min(seats)].organisation if seats else ""
        return frozenset(seats), organisation

    def asked_by(self, step: Step) -> list[Person]:
        """Everybody whom a step lets decide, in order of their names; delegates are not among."""
        found = [person for person in self.people.values() if self._seat(step, person)]
        return sorted(found, key=lambda person: person.name)

    def ways(self, state: State, *, by: Actor) -> list[str]:
        """In whose name the actor could vote now: ids, the own one first. Empty: in nobody's."""
        names = [by.id, *(person.id for person in self.principals_of(by.id))]
        return [name for name in names if self.why_not(state, by=by, principal=name) is None]

    def why_not(self, state: State, *, by: Actor, principal: str) -> Why | None:
        return refusal(state, self.ballot(state.terms, by=by, principal=principal, approves=True))

    def takes_part(self, by: Actor) -> bool:
        """Whether the person may be asked at all, so may also speak and let others stand in."""
        return DECIDE in by.scopes or self._may_be_named(by.id)

    def _own(self, terms: Terms, by: Actor) -> tuple[frozenset[int], str]:
        """As the door found the actor: a visit of the platform's support has no row as a member."""
        steps, organisation = self.steps_of(terms, by.id)
        open_to_all = frozenset(
            number for number, step in enumerate(terms.steps) if not step.names_people
        )
        named = steps - open_to_all
        return (named | open_to_all if DECIDE in by.scopes else named), organisation or CUSTOMER

    def _may_be_named(self, person_id: str) -> bool:
        person = self.people.get(person_id)
        return person is not None and _sees_and_decides(person)

    def _seat(self, step: Step, person: Person) -> Seat | None:
        """The first seat by which the step asks the person."""
        if not step.names_people:
            return person.seats[0] if person.grant.may(Permission.DECIDE) else None
        if not _sees_and_decides(person):
            return None
        in_group = any(person.id in self.groups.get(slug, ()) for slug in step.groups)
        fitting = (seat for seat in person.seats if in_group or _fits(step, seat))
        return next(fitting, None)


class TakesNoPart(DomainError):
    code = "takes_no_part"
    status = 403
    title = "You may look at approvals, and no more"


def assert_takes_part(by: Actor) -> None:
    """A machine's key was asked at the door. Raises TakesNoPart."""
    if by.kind is ActorKind.MEMBER and not Electorate.now(only={by.id}).takes_part(by):
        raise TakesNoPart(
            "To comment, to attach or to delegate you need the role of an approver or a manager, "
            "and sight of customer data. Ask a manager of your workspace."
        )


def _fits(step: Step, seat: Seat) -> bool:
    if not seat.is_partners:
        return seat.role in step.roles
    return seat.role in step.partner_roles or bool(seat.areas.intersection(step.areas))


def _sees_and_decides(person: Person) -> bool:
    return Permission.DECIDE in person.grant.by_role and person.grant.may(Permission.PAYLOAD)


def _members_of_groups() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for slug, member_id in GroupMember.objects.values_list("group__slug", "member_id"):
        found.setdefault(slug, set()).add(member_id)
    return {slug: frozenset(members) for slug, members in found.items()}
