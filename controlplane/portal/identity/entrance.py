"""Who may come in at which host, by whatever way they showed who they are."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext as _

from tenants.invitations import InvitationOver, get_invitation
from tenants.models import Member, Partner, SingleSignOn, Tenant
from tenants.models.members import VOUCHED_BY

# In the session of whoever opened an invitation's link: its token.
INVITED_BY = "invited_by"


def refusal(request: HttpRequest, user: Any, *, vouched_by: Partner | None = None) -> str:
    """Why this person may not come in at this host; empty where they may.

    `vouched_by` is the partner whose own provider said who it is.
    """
    tenant = request.tenant
    if not user.is_active:
        return _("This account was closed. Ask your partner if that is a mistake.")
    if tenant is None:
        if user.is_superuser and vouched_by is None:
            return ""
        return _("You have no role on the platform itself. Log in at your workspace's address.")
    if not is_member(user, tenant, vouched_by=vouched_by) and not _is_invited(request, user):
        said = _("Your password is right, but you have no role at %(tenant)s. Ask your partner.")
        return said % {"tenant": tenant.name}
    if vouched_by is None and (provider := required_of(user)):
        said = _("Members of %(partner)s log in by its own sign-on. Use the button for it.")
        return said % {"partner": provider.partner.name}
    return ""


def is_member(user: User, tenant: Tenant, *, vouched_by: Partner | None = None) -> bool:
    session = {VOUCHED_BY: str(vouched_by.pk)} if vouched_by else {}
    return Member.objects.of_tenant(tenant).of_session(session).filter(user=user).exists()


def _is_invited(request: HttpRequest, user: User) -> bool:
    """By the link that was opened in this session: whoever has an account logs in to accept."""
    token = request.session.get(INVITED_BY)
    if not token:
        return False
    try:
        return get_invitation(token, at=request.tenant).email == user.email.lower()
    except InvitationOver:
        return False


def required_of(user: User) -> SingleSignOn | None:
    """The provider by which alone this person logs in, where a partner of theirs says so."""
    required = SingleSignOn.objects.filter(is_active=True, is_required=True)
    return required.filter(partner__members__user=user).select_related("partner").first()
