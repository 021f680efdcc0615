"""The table of permissions keeps its own promises, whatever is written into it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tenants.models import Member, Ownership
from tenants.permissions import (
    ON_PAYLOAD,
    OWNERSHIP,
    ROLES,
    SCOPES,
    SHARED,
    Grant,
    Permission,
    areas_opening,
    narrowest_role,
    of_partner,
    of_role,
)
from tests.conftest import ALL_SCOPES

roles = st.sampled_from(list(ROLES))
areas = st.sets(st.sampled_from(list(OWNERSHIP)))
ORDER = list(ROLES)


def membership(role: str, owned: set[str] | None) -> Member:
    """Of a partner that owns these areas, or of the tenant itself."""
    member = Member(role=role)
    if owned is not None:
        member.partner_id, member.areas = member.pk, sorted(owned)
    return member


memberships = st.lists(st.builds(membership, roles, st.none() | areas), max_size=4)


def test_every_role_area_and_permission_stands_in_the_table() -> None:
    assert set(ROLES) == set(Member.Role.values)
    assert set(OWNERSHIP) == set(Ownership.Area.values)
    assert frozenset().union(*ROLES.values()) == set(Permission)


def test_who_owns_everything_may_what_the_role_may() -> None:
    for role in ROLES:
        assert of_partner(role, OWNERSHIP) == of_role(role)


@given(roles, areas, areas)
def test_more_ownership_never_takes_away(role: str, owned: set[str], more: set[str]) -> None:
    assert of_partner(role, owned) <= of_partner(role, owned | more)


@given(areas)
def test_each_role_may_what_the_one_before_may(owned: set[str]) -> None:
    for narrow, wide in pairwise(ORDER):
        assert of_role(narrow) < of_role(wide)
        assert of_partner(narrow, owned) <= of_partner(wide, owned)


@given(roles, areas)
def test_no_partner_may_more_than_the_tenants_own(role: str, owned: set[str]) -> None:
    assert SHARED <= of_partner(role, owned) <= of_role(role)


@given(memberships)
def test_nobody_works_on_what_they_may_not_see(found: list[Member]) -> None:
    grant = Grant.of(found)

    assert grant.may(Permission.PAYLOAD) or not set(grant) & ON_PAYLOAD


@given(memberships, memberships)
def test_one_more_membership_never_takes_away(found: list[Member], more: list[Member]) -> None:
    assert set(Grant.of(found)) <= set(Grant.of([*found, *more]))
    assert set(Grant.of(found)) <= Grant.of(found).by_role


def test_nobody_without_a_membership_may_anything() -> None:
    assert set(Grant()) == set(Grant.of([])) == set()


def test_a_refusal_can_say_whom_to_ask() -> None:
    for permission in Permission:
        assert permission in of_role(narrowest_role(permission))
        assert areas_opening(permission) or permission in SHARED


def test_scopes_of_people_are_among_those_of_machines_or_for_people_only() -> None:
    for_people = {"approvals:decide", "knowledge:approve"}

    assert frozenset().union(*SCOPES.values()) <= set(ALL_SCOPES) | for_people
