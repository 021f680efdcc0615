"""Doors that a partner's people have for their partner, on the host of a tenant that it works for.

They are of shared rows, and of nobody else's: another partner's, and those of a partner that does
not work for this tenant, are not there.
"""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _

from tenants import access
from tenants.models import Member, Partner
from tenants.permissions import PARTNER_ROLES, PartnerPermission, roles_with


def seats_with(request: HttpRequest, permission: PartnerPermission) -> list[Member]:
    """The person's memberships in this tenant's partners that allow it. None while somebody visits
    as the platform's support.
    """
    if request.member.visit is not None:
        return []
    user = request.member.user
    found = access.partner_seats(user, request.tenant, session=request.session)
    return [seat for seat in found if permission in PARTNER_ROLES[seat.role]]


def partners_with(request: HttpRequest, permission: PartnerPermission) -> list[Partner]:
    return [seat.partner for seat in seats_with(request, permission) if seat.partner is not None]


def permitted(seat: Member) -> dict[str, bool]:
    """`may_partner.write_rules`, …: what the seat allows, by the names of the permissions."""
    return dict.fromkeys(map(str, PARTNER_ROLES[seat.role]), True)


def seat_in(request: HttpRequest, partner: Partner | None, permission: PartnerPermission) -> Member:
    """The person's seat in just this partner. Raises PermissionDenied where it allows less."""
    for seat in seats_with(request, permission):
        if partner is not None and seat.partner_id == partner.pk:
            return seat
    roles = _(" or ").join(f"“{role.label}”" for role in roles_with(permission))
    raise PermissionDenied(
        _("In %(partner)s this needs the role %(roles)s. Ask a colleague who has it.")
        % {"partner": partner, "roles": roles}
    )
