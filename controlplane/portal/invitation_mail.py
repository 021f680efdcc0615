"""The mail that brings an invitation, in the brand of whoever leads."""

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from tenants.environments.marks import marked_subject
from tenants.members import brand_of
from tenants.models import Invitation, Tenant


def mail_invitation(*, invitation: Invitation, token: str, tenant: Tenant) -> None:
    """In the tenant's language, since nobody knows the invited person's. Raises OSError."""
    brand = brand_of(tenant)
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        context = {
            "invitation": invitation,
            "tenant": tenant,
            "brand": brand,
            "link": f"{tenant.portal_url}{reverse('invitation', args=[token])}",
        }
        EmailMessage(
            subject=marked_subject(
                render_to_string("accounts/invitation_subject.txt", context), tenant
            ),
            body=render_to_string("accounts/invitation.txt", context),
            from_email=brand.mail_from,
            to=[invitation.email],
            reply_to=brand.reply_to,
        ).send()
