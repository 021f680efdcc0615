"""Inviting people to a partner or a tenant, and what follows when they come."""

import secrets
import uuid
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from controlplane.audit.changes import record_change, snapshot
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.locks import alone
from tenants.context import inside, outside
from tenants.models import Invitation, Member, Partner, Tenant
from tenants.models.invitations import digest

GOOD_FOR = timedelta(days=7)


class InvitationOver(DomainError):
    code = "invitation_over"
    status = 410
    title = "The invitation does not hold any more"


class InvitationUnknown(DomainError):
    code = "invitation_unknown"
    status = 404
    title = "No such invitation"


class InvitationNotYours(DomainError):
    code = "invitation_not_yours"
    status = 403
    title = "The invitation is for somebody else"


class InvitationTermsInvalid(DomainError):
    code = "invitation_terms_invalid"
    status = 422
    title = "Nobody can be invited so"


def invite_member(
    *,
    email: str,
    role: str,
    tenant: Tenant | None = None,
    partner: Partner | None = None,
    by: Actor,
) -> tuple[Invitation, str]:
    """An invitation to either, good for 7 days, and the token of its link, which is kept nowhere.

    One that is open for the same address and place ends. It is said to nobody whether there is an
    account with the address. Raises InvitationTermsInvalid for a role that there is not.
    """
    if role not in Member.Role.values:
        raise InvitationTermsInvalid(
            _("There is no role “%(role)s”.") % {"role": role},
            errors=(FieldError("role", _("choose from the list")),),
        )
    place: dict[str, Any] = {"partner": partner, "tenant": tenant and tenant.customer}
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        with outside():
            Invitation.objects.open(at=now).filter(email__iexact=email, **place).update(
                revoked_at=now
            )
            invitation = Invitation.objects.create(
                email=email.lower(),
                role=role,
                token_sha256=digest(token),
                invited_by=by.label,
                expires_at=now + GOOD_FOR,
                **place,
            )
        _record("invitation.sent", invitation, {}, by)
    return invitation, token


def revoke_invitation(*, invitation: Invitation, by: Actor) -> bool:
    """Its link does not work any more. False where it was over before."""
    with transaction.atomic():
        with outside():
            locked = _locked(invitation.pk)
            if locked.status != "open":
                return False
            before = snapshot(locked)
            locked.revoked_at = timezone.now()
            locked.save(update_fields=["revoked_at", "updated_at"])
        _record("invitation.revoked", locked, before, by)
    return True


def get_invitation(token: str, *, at: Tenant) -> Invitation:
    """The open invitation to this tenant, or to a partner engaged there. Raises InvitationOver."""
    places = Invitation.objects.open(at=timezone.now()).to(at)
    found = places.select_related("partner", "tenant").filter(token_sha256=digest(token)).first()
    if found is None:
        raise InvitationOver(
            _(
                "It was accepted, taken back, is older than seven days, or its link was not copied "
                "whole. Ask whoever invited you for a new one."
            )
        )
    return found


def accept_as_newcomer(
    *, invitation: Invitation, first_name: str, last_name: str, password: str
) -> User:
    """A new account with the invited address, and its membership.

    Raises InvitationOver, and InvitationNotYours where there is an account with the address: its
    owner logs in and accepts then (`accept_invitation`).
    """
    email = invitation.email
    with alone("tenants.invitations", email), transaction.atomic():
        if User.objects.filter(email__iexact=email).exists():
            raise InvitationNotYours(_("There is an account for this already. Log in with it."))
        user = User(
            username=_free_name(email), email=email, first_name=first_name, last_name=last_name
        )
        user.set_password(password)
        user.save()
        # The link was mailed to it.
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        accept_invitation(invitation=invitation, user=user)
    return user


def accept_invitation(*, invitation: Invitation, user: User) -> Member:
    """The membership: a new one, or the present one with the invited role where that is more.

    Raises InvitationOver, and InvitationNotYours for another address than the invited one.
    """
    if user.email.lower() != invitation.email:
        raise InvitationNotYours(
            _("The invitation is for %(email)s. Log out, and in again with that account.")
            % {"email": invitation.email}
        )
    by = Actor(ActorKind.MEMBER, str(user.pk), user.get_full_name() or user.get_username())
    with transaction.atomic():
        locked = _locked(invitation.pk)
        if locked.status != "open":
            raise InvitationOver(_("It was accepted or taken back just now."))
        before = snapshot(locked)
        locked.accepted_at, locked.accepted_by = timezone.now(), user
        locked.save(update_fields=["accepted_at", "accepted_by", "updated_at"])
        place = {"partner": locked.partner, "tenant": locked.tenant}
        member, was_made = Member.objects.get_or_create(
            user=user, **place, defaults={"role": locked.role}
        )
        member_before = {} if was_made else snapshot(member)
        if not was_made and _rank(locked.role) > _rank(member.role):
            member.role = locked.role
            member.save(update_fields=["role", "updated_at"])
        _record("invitation.accepted", locked, before, by)
        action = "member.added" if was_made else "member.changed"
        _record(action, member, member_before, by)
    return member


def invitations_of(*, tenant: Tenant, partner: Partner | None) -> QuerySet[Invitation]:
    """What a manager may see: those to the tenant, and a partner's manager also the partner's."""
    places = Q(tenant=tenant.customer)
    if partner is not None:
        places |= Q(partner=partner)
    return Invitation.objects.filter(places).select_related("tenant", "partner")


def find_invitation(
    invitation_id: uuid.UUID, *, tenant: Tenant, partner: Partner | None
) -> Invitation:
    """One of `invitations_of`. Raises InvitationUnknown."""
    with outside():
        found = invitations_of(tenant=tenant, partner=partner).filter(pk=invitation_id).first()
    if found is None:
        raise InvitationUnknown(f"There is no invitation {invitation_id} to {tenant}.")
    return found


def _locked(invitation_id: uuid.UUID) -> Invitation:
    return (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("partner", "tenant")
        .get(pk=invitation_id)
    )


def _rank(role: str) -> int:
    return [Member.Role.VIEWER, Member.Role.APPROVER, Member.Role.MANAGER].index(Member.Role(role))


def _free_name(email: str) -> str:
    """The address, or where an older account is called so, one that nobody is called."""
    name = email[:150]
    return (
        f"{name[:130]}-{secrets.token_hex(4)}"
        if User.objects.filter(username=name).exists()
        else name
    )


def _record(action: str, row: Invitation | Member, before: dict[str, Any], by: Actor) -> None:
    """In the tenant's trail; of a partner's, in the platform's."""
    after = snapshot(row)
    for fields in (before, after):
        fields.pop("token_sha256", None)
    place = inside(row.tenant) if row.tenant else outside()
    with place:
        record_change(action=action, row=row, before=before, after=after, by=by)
