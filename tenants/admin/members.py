"""Who has which role where."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from tenants.admin.places import ChoosesLanguageAndZone
from tenants.models import Member, Tenant


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    """Of one place, and never of a sandbox: who comes in there is said at its production."""

    class Meta:
        model = Member
        fields = ["user", "role", "partner", "tenant", "language", "time_zone"]

    def clean_tenant(self) -> Tenant | None:
        tenant: Tenant | None = self.cleaned_data["tenant"]
        if tenant is not None and tenant.is_sandbox:
            raise forms.ValidationError(
                _("Choose %(production)s instead: its members come into the sandbox too."),
                params={"production": tenant.customer},
            )
        return tenant

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if "tenant" in data and bool(data.get("partner")) == bool(data["tenant"]):
            self.add_error("partner", _("Choose a partner or a tenant, one of them."))
        return data


@admin.register(Member)
class MemberAdmin(ChoosesLanguageAndZone):
    form = MemberForm
    list_display = ["user", "role", "partner", "tenant"]
    list_filter = ["role", ("partner", AutocompleteSelectFilter)]
    list_filter_submit = True
    list_select_related = ["user", "partner", "tenant"]
    search_fields = ["user__username", "user__email", "tenant__name", "partner__name"]
    autocomplete_fields = ["user", "partner", "tenant"]
