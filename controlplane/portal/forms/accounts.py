"""Log-in and password reset, for the members of the host's tenant."""

from typing import Any

from allauth.account.forms import LoginForm, ResetPasswordForm
from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from controlplane.portal.identity.entrance import refusal
from tenants.models import Member


class LogInForm(LoginForm):
    """By user name or by e-mail address, where that is one person's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address or user name")
        self.fields["login"].widget.attrs = {"autocomplete": "username webauthn", "autofocus": True}
        self.fields["password"].widget.attrs.pop("placeholder", None)
        self.fields["password"].help_text = ""  # the page says it below the button

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean()
        if self.user and (why := refusal(self.request, self.user)):
            raise forms.ValidationError(why, code="refused")
        return given


class ResetForm(ResetPasswordForm):
    """Mails only members, also those who were invited and never had a password."""

    def __init__(self, *args: Any, request: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail address")
        self.fields["email"].widget.attrs.pop("placeholder", None)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"])

    def save(self, request: Any, **kwargs: Any) -> str:
        self.users = _people_at(request.tenant, self.cleaned_data["email"])
        return str(super().save(request, **kwargs))


def _people_at(tenant: Any, email: str) -> list[User]:
    """The members of the tenant with this address; on the platform's own host, its admins."""
    if tenant is None:
        return list(User.objects.filter(email__iexact=email, is_active=True, is_superuser=True))
    members = Member.objects.of_tenant(tenant).filter(user__email__iexact=email)
    return list({member.user for member in members.select_related("user")})
