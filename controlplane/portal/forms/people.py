"""A member's role."""

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models import Member


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Member.Role.choices, label=_("Role"))

    @property
    def chosen_label(self) -> str:
        return str(Member.Role(self.cleaned_data["role"]).label)
