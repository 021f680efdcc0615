"""Where a partner's members log in, and who has been turned away."""

from django import forms
from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from controlplane.core.admin import SharedModelAdmin
from tenants.models import SingleSignOn, Tenant


class SingleSignOnForm(forms.ModelForm):  # type: ignore[type-arg]
    """The secret goes in and never comes back out; empty leaves it as it is."""

    client_secret = forms.CharField(
        label=_("Client secret"),
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_("Not shown again. Empty: it stays as it is."),
    )

    class Meta:
        model = SingleSignOn
        fields = [
            "partner", "issuer", "client_id", "client_secret", "email_domains", "default_role",
            "is_required", "is_active",
        ]  # fmt: skip

    def clean_client_secret(self) -> str:
        given: str = self.cleaned_data["client_secret"]
        if not given and not self.instance.client_secret:
            raise forms.ValidationError(_("Paste the secret that the provider gave out."))
        return given or self.instance.client_secret


@admin.register(SingleSignOn)
class SingleSignOnAdmin(SharedModelAdmin):
    form = SingleSignOnForm
    list_display = ["partner", "issuer", "is_required", "is_active"]
    list_filter = ["is_required", "is_active"]
    list_select_related = ["partner"]
    search_fields = ["partner__name", "issuer"]
    autocomplete_fields = ["partner"]
    readonly_fields = ["return_addresses"]

    @display(description=_("Return addresses, to be registered at the provider"))
    def return_addresses(self, sign_on: SingleSignOn) -> SafeString | str:
        if sign_on._state.adding:
            return "–"
        tenants = Tenant.objects.active().filter(engagements__partner=sign_on.partner_id)
        path = f"/accounts/sso/{sign_on.partner_id}/login/callback/"
        rows = [(f"{tenant.portal_url}{path}",) for tenant in tenants]
        return format_html_join(", ", "{}", rows) or "–"
