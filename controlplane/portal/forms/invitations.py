"""Inviting somebody, and what somebody who was invited says of themselves."""

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.utils.translation import gettext_lazy as _

from tenants.models import Member, Partner, Tenant

HERE, PARTNER = "tenant", "partner"


class InvitationForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Member.Role.choices,
        initial=Member.Role.VIEWER,
        help_text=_("Viewers look, approvers decide, managers also set up and invite."),
    )
    place = forms.ChoiceField(
        label=_("Where"),
        choices=(),
        widget=forms.RadioSelect(attrs={"class": "options"}),
        initial=HERE,
    )

    def __init__(self, *args: Any, tenant: Tenant, partner: Partner | None, **kwargs: Any) -> None:
        """`partner` is the one whose manager invites, if it is one's."""
        super().__init__(*args, **kwargs)
        self.tenant, self.partner = tenant, partner
        if partner is None:
            del self.fields["place"]
        else:
            everywhere = _("%(partner)s: all workspaces where it works")
            self.fields["place"].choices = [
                (HERE, tenant.name),
                (PARTNER, everywhere % {"partner": partner.name}),
            ]

    @property
    def terms(self) -> dict[str, Any]:
        """As `invite_by_mail` takes them."""
        given = dict(self.cleaned_data)
        to_partner = given.pop("place", HERE) == PARTNER
        return {**given, "at": self.tenant, "partner": self.partner if to_partner else None}


class NewcomerForm(forms.Form):
    first_name = forms.CharField(label=_("First name"), max_length=150)
    last_name = forms.CharField(label=_("Last name"), max_length=150)
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        help_text=password_validation.password_validators_help_text_html,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password)
        return password
