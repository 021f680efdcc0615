"""What a person may in a tenant, asked of shared tables before the tenant is entered."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from controlplane.core.questions import Question
from tenants.context import outside
from tenants.models import Member, Ownership, Partner, Tenant
from tenants.models.members import VOUCHED_BY, MemberQuerySet
from tenants.permissions import (
    Grant,
    PartnerPermission,
    Permission,
    areas_opening,
    narrowest_role,
    of_partner,
    of_role,
    roles_with,
)


def _memberships(tenant: uuid.UUID, user: int, **session: uuid.UUID) -> MemberQuerySet:
    return Member.objects.of_tenant(Tenant(pk=tenant)).of_session(session).filter(user=user)


_OF_PERSON = Question(_memberships, tenant=uuid.uuid4(), user=-1)
_OF_VOUCHED = Question(_memberships, tenant=uuid.uuid4(), user=-1, **{VOUCHED_BY: uuid.uuid4()})


def member_of(
    user: User,
    tenant: Tenant,
    *,
    session: Mapping[str, Any] = MappingProxyType({}),
) -> Member | None:
    """The person's membership here with its `grant`, by one query; None for a stranger.

    Of several it is the tenant's own, whose language and zone count; the grant is of all.
    """
    asked: dict[str, Any] = {"tenant": tenant.customer_id, "user": user.pk}
    if partner := session.get(VOUCHED_BY):
        asked[VOUCHED_BY] = uuid.UUID(partner)
        memberships = _OF_VOUCHED.ask(**asked)
    else:
        memberships = _OF_PERSON.ask(**asked)
    if not memberships:
        return None
    member = min(memberships, key=lambda each: (each.is_partners, each.created_at))
    member.grant = Grant.of(memberships)
    member.user = user
    return member


def members_who_may(permission: Permission, tenant: Tenant) -> list[Member]:
    """Each person once, with user and grant. Asked outside of the tenant."""
    by_person: dict[int, list[Member]] = defaultdict(list)
    for membership in Member.objects.of_tenant(tenant).select_related("user").order_by("pk"):
        by_person[membership.user_id].append(membership)
    found = []
    for memberships in by_person.values():
        member = min(memberships, key=lambda each: each.is_partners)
        member.grant = Grant.of(memberships)
        if member.grant.may(permission):
            found.append(member)
    return found


def require(permission: Permission, member: Member, tenant: Tenant) -> None:
    """Raises PermissionDenied, which says whether a role is missing or an area, and whom to ask."""
    if not member.grant.may(permission):
        raise PermissionDenied(refusal(permission, member, tenant))


def refusal(permission: Permission, member: Member, tenant: Tenant) -> str:
    """Why not, and who could: in the reader's language."""
    if permission not in member.grant.by_role:
        role = narrowest_role(permission).label
        return _(
            "Your role may look at this but not change it. Ask a manager of your workspace to do "
            "it, or to give you the role “%(role)s”."
        ) % {"role": role}
    asked = {"names": ", ".join(owners_of(permission, tenant)) or str(tenant)}
    if permission == Permission.PAYLOAD:
        return (
            _(
                "Customer data is shown to those who own a part of the work that needs it, and "
                "your company owns none of these here. Ask %(names)s."
            )
            % asked
        )
    return (
        _("This belongs to a part of the work that your company does not own here. Ask %(names)s.")
        % asked
    )


def owners_of(permission: Permission, tenant: Tenant) -> list[str]:
    """The tenant itself, then the partners that own an area that opens it."""
    with outside():
        partners = Partner.objects.filter(
            engagements__ownerships__tenant=tenant.customer_id,
            engagements__ownerships__area__in=areas_opening(permission),
        ).distinct()
        return [str(tenant), *(partner.name for partner in partners)]


def partner_seats(
    user: User, tenant: Tenant, *, session: Mapping[str, Any] = MappingProxyType({})
) -> list[Member]:
    """The person's memberships in partners that work for the tenant, by the partners' names: what
    somebody may for a partner is done in the portal of one of its tenants.
    """
    memberships = Member.objects.of_tenant(tenant).of_session(session)
    return list(
        memberships.filter(user=user.pk, partner__isnull=False)
        .select_related("partner")
        .order_by("partner__name")
    )


def partner_opening(
    permission: Permission,
    member: Member,
    tenant: Tenant,
    *,
    session: Mapping[str, Any] = MappingProxyType({}),
) -> Partner | None:
    """For which partner somebody does here what the permission is for: the one in which the own
    seat opens it, of several the earliest. None: the tenant's own role does, or a visit.

    Not by `grant`, which is of all seats together. Raises PermissionDenied where none opens it.
    Asked outside of the tenant.
    """
    if member.visit is not None:
        return None
    memberships = Member.objects.of_tenant(tenant).of_session(session).filter(user=member.user_id)
    seats = list(memberships.select_related("partner").order_by("created_at", "pk"))
    if any(not seat.is_partners and permission in of_role(seat.role) for seat in seats):
        return None
    for seat in seats:
        if seat.is_partners and tenants_opened(permission, seat, [tenant.customer_id]):
            return seat.partner
    raise PermissionDenied(refusal(permission, member, tenant))


def partners_people(permission: PartnerPermission, partner: Partner) -> list[User]:
    """Who may do this for the partner now."""
    members = Member.objects.filter(
        partner=partner, user__is_active=True, role__in=roles_with(permission)
    )
    return [member.user for member in members.select_related("user").order_by("pk")]


def tenants_opened(
    permission: Permission, seat: Member, tenants: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Of these tenants those in which a partner's member may do this for that partner."""
    areas: dict[uuid.UUID, set[str]] = defaultdict(set)
    owned = Ownership.objects.filter(engagement__partner=seat.partner_id, tenant__in=tenants)
    for tenant, area in owned.values_list("tenant", "area"):
        areas[tenant].add(area)
    return {each for each in tenants if permission in of_partner(seat.role, areas[each])}
