"""Log-in and password reset, for the members of the host's tenant."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from tenants.members import brand_of
from tenants.models import Member, Tenant


class LogInForm(AuthenticationForm):
    """By user name or by e-mail address, where that is one person's."""

    error_messages = {
        "invalid_login": _(
            "Name and password do not fit together. Both are case-sensitive; if you have "
            "forgotten the password, you can set a new one below."
        ),
        "inactive": _("This account was closed. Ask your partner if that is a mistake."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("E-mail address or user name")

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username", "")
        people = User.objects
        if "@" in name and not people.filter(username=name).exists():
            found = list(people.filter(email__iexact=name, is_active=True)[:2])
            if len(found) == 1:
                self.cleaned_data["username"] = found[0].get_username()
        return super().clean()

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if not is_member(user, self.request.tenant):
            raise forms.ValidationError(
                _("Your password is right, but you have no role at %(tenant)s. Ask your partner."),
                code="not_a_member",
                params={"tenant": self.request.tenant.name},
            )


class ResetForm(PasswordResetForm):
    """Mails only members, also those who were invited and never had a password."""

    tenant: Tenant

    def get_users(self, email: str) -> Iterable[User]:
        members = Member.objects.of_tenant(self.tenant).filter(user__email__iexact=email)
        return {member.user for member in members.select_related("user")}

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.tenant = kwargs["request"].tenant
        kwargs["extra_email_context"] = {
            "brand": brand_of(self.tenant),
            "tenant": self.tenant,
            "portal_url": self.tenant.portal_url,
            "minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
        }
        super().save(*args, **kwargs)

    def send_mail(
        self,
        subject_template_name: str,
        email_template_name: str,
        context: dict[str, Any],
        from_email: str | None,
        to_email: str,
        html_email_template_name: str | None = None,
    ) -> None:
        brand = context["brand"]
        EmailMessage(
            subject=render_to_string(subject_template_name, context).strip(),
            body=render_to_string(email_template_name, context),
            from_email=from_email,
            to=[to_email],
            reply_to=[brand.support_email] if brand.support_email else None,
        ).send()


def is_member(user: User, tenant: Tenant) -> bool:
    return Member.objects.of_tenant(tenant).filter(user=user).exists()
