"""The mail that brings an invitation, in the brand of whoever leads where one comes in."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.logs import get_logger
from tenants.environments.marks import marked_subject
from tenants.invitations import InvitationTermsInvalid, invite_member, revoke_invitation
from tenants.members import brand_of
from tenants.models import Invitation, Partner, Tenant

log = get_logger(__name__)


class InvitationNotSent(DomainError):
    code = "invitation_not_sent"
    status = 503
    title = "The invitation could not be sent"


class InvitationNotExpired(DomainError):
    code = "invitation_not_expired"
    status = 409
    title = "The invitation has not expired"


def invite_by_mail(
    *, email: str, role: str, at: Tenant, partner: Partner | None = None, by: Actor
) -> Invitation:
    """To the tenant, or to the partner: its people come in by the tenant's portal then.

    Called in no transaction, since it talks to the mail server: an invitation whose mail was not
    sent is taken back. Raises InvitationTermsInvalid, InvitationNotSent.
    """
    if at.status != Tenant.Status.ACTIVE:
        raise InvitationTermsInvalid(
            _("The portal of %(tenant)s does not answer now, and the link would lead there.")
            % {"tenant": at}
        )
    place = {"partner": partner} if partner else {"tenant": at}
    invitation, token = invite_member(email=email, role=role, **place, by=by)  # type: ignore[arg-type]
    try:
        _mail(invitation, token, at)
    except OSError as error:  # SMTPException is one too
        log.exception("invitation.mail_failed", invitation_id=str(invitation.pk))
        revoke_invitation(invitation=invitation, by=by)
        raise InvitationNotSent(_("The mail could not be sent. Try again in a while.")) from error
    return invitation


def invite_again(*, invitation: Invitation, at: Tenant, by: Actor) -> Invitation:
    """What `invite_by_mail` gives, for one that nobody followed in time.

    Raises InvitationNotExpired: who has accepted needs none, and one that was taken back was meant
    to be.
    """
    if invitation.status != "expired":
        raise InvitationNotExpired(
            _("The invitation of %(email)s has not expired. Invite the address anew.")
            % {"email": invitation.email}
        )
    return invite_by_mail(
        email=invitation.email, role=invitation.role, at=at, partner=invitation.partner, by=by
    )


def door_of_partner(partner: Partner) -> Tenant:
    """Where people of the partner come in: a tenant that it leads, or else one that it works for.

    Raises InvitationTermsInvalid where there is none that answers.
    """
    tenants = Tenant.objects.active().filter(engagements__partner=partner)
    found = tenants.order_by("-engagements__is_lead", "created_at").first()
    if found is None:
        raise InvitationTermsInvalid(
            _(
                "%(partner)s works for no tenant yet whose portal answers, and its people come in "
                "by one. Add a tenant first."
            )
            % {"partner": partner}
        )
    return found


def _mail(invitation: Invitation, token: str, tenant: Tenant) -> None:
    """In the tenant's language, since nobody knows the invited person's. Raises OSError."""
    brand = brand_of(tenant)
    path = reverse("invitation", urlconf=settings.TENANT_URLCONF, args=[token])
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        context = {
            "invitation": invitation,
            "tenant": tenant,
            "brand": brand,
            "link": f"{tenant.portal_url}{path}",
        }
        EmailMessage(
            subject=marked_subject(
                render_to_string("tenants/invitation_subject.txt", context), tenant
            ),
            body=render_to_string("tenants/invitation.txt", context),
            from_email=brand.mail_from,
            to=[invitation.email],
            reply_to=brand.reply_to,
        ).send()
