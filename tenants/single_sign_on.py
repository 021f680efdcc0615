"""From what a partner's identity provider says to the person and the role."""

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from controlplane.audit.changes import record_change, snapshot
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.locks import alone
from tenants.models import Member, SingleSignOn, Tenant


class SignOnRefused(DomainError):
    code = "sign_on_refused"
    status = 403
    title = "The sign-on does not let you in here"


def providers_of(tenant: Tenant) -> list[SingleSignOn]:
    """Those of the partners that are engaged at the tenant, by which its people may come in."""
    return list(
        SingleSignOn.objects.filter(
            is_active=True, partner__engagements__tenant=tenant.customer
        ).select_related("partner")
    )


def known_person(*, sign_on: SingleSignOn, user: User) -> User:
    """Somebody who came by this provider before, if still a member. Raises SignOnRefused.

    Whoever was taken out of the partner does not come back in by themselves.
    """
    _require_vouchable(sign_on, user)
    return user


def person_behind(
    *, sign_on: SingleSignOn, email: str, first_name: str, last_name: str, by: Actor
) -> User:
    """The partner's member with this verified address, made with the default role if need be.

    Raises SignOnRefused for an address of another domain, and where somebody has an account with
    it who is no member of this partner: a partner's provider vouches for its own people only.
    """
    if not sign_on.vouches_for(email):
        raise SignOnRefused(
            _("%(email)s is not an address of %(partner)s. Log in with one that is.")
            % {"email": email, "partner": sign_on.partner.name}
        )
    with alone("tenants.sign_on", email.lower()), transaction.atomic():
        found = list(User.objects.filter(email__iexact=email))
        if not found:
            return _newcomer(sign_on, email.lower(), first_name, last_name, by)
        if len(found) > 1:
            raise SignOnRefused(
                _("More than one account has the address %(email)s. Ask your partner.")
                % {"email": email}
            )
        _require_vouchable(sign_on, found[0])
    return found[0]


def _require_vouchable(sign_on: SingleSignOn, user: User) -> None:
    is_member = Member.objects.filter(user=user, partner=sign_on.partner).exists()
    if user.is_staff or user.is_superuser or not user.is_active or not is_member:
        raise SignOnRefused(
            _("Your account is not one of %(partner)s. Ask a manager there for an invitation.")
            % {"partner": sign_on.partner.name}
        )


def _newcomer(
    sign_on: SingleSignOn, email: str, first_name: str, last_name: str, by: Actor
) -> User:
    user = User(
        username=email[:150], email=email, first_name=first_name[:150], last_name=last_name[:150]
    )
    user.set_unusable_password()
    user.save()
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    member = Member.objects.create(user=user, partner=sign_on.partner, role=sign_on.default_role)
    record_change(action="member.added", row=member, before={}, after=snapshot(member), by=by)
    return user
