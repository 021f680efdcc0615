"""Partners and their brands, shown as tenants will see them while one types."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminColorInputWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldBooleanWidget,
)

from controlplane.core.admin import SharedModelAdmin
from tenants.admin import inviting
from tenants.logos import clean_logo, keep_logo, remove_logo
from tenants.models import Partner, PartnerLogo


class PartnerForm(forms.ModelForm):  # type: ignore[type-arg]
    """With the logo, which is kept apart from the row."""

    logo_file = forms.FileField(
        label=_("Logo"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text=_("PNG, JPEG or WebP, up to 200 KB; wide ones look best. Empty: as it is."),
    )
    remove_logo = forms.BooleanField(
        label=_("Remove the logo"), required=False, widget=UnfoldBooleanWidget
    )

    class Meta:
        model = Partner
        fields = [
            *("name", "slug", "kind", "tier", "product_name", "brand_color", "footer"),
            *("sender_name", "sender_email", "support_email", "requires_mfa"),
        ]

    def clean_logo_file(self) -> tuple[str, bytes] | None:
        file: UploadedFile | None = self.cleaned_data["logo_file"]
        return clean_logo(file.read()) if file else None


@admin.register(Partner)
class PartnerAdmin(SharedModelAdmin):
    form = PartnerForm
    list_display = ["name", "kind", "tier", "slug", "support_email"]
    list_filter = ["kind", "tier"]
    search_fields = ["name", "slug"]
    change_form_after_template = "tenants/admin/brand_preview.html"
    fieldsets = [
        (None, {"fields": ["name", "slug", "kind", "tier"]}),
        (
            _("Brand"),
            {"fields": ["product_name", "brand_color", "logo_file", "remove_logo", "footer"]},
        ),
        (_("Mails"), {"fields": ["sender_name", "sender_email", "support_email"]}),
        (_("Log-in"), {"fields": ["requires_mfa"]}),
    ]

    readonly_fields = ["people"]

    class Media:
        js = ("tenants/brand.js",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        # Nobody is invited to what is not there yet.
        return [*shown, (_("People"), {"fields": ["people"]})] if obj else shown

    @display(description=_("Members"))
    def people(self, partner: Partner) -> str:
        return format_html(
            '<a class="pg-link" href="{}?partner__id__exact={}">{}</a> '
            '<a class="pg-link" href="{}">{}</a>',
            reverse("admin:tenants_member_changelist"), partner.pk, _("Who has a role"),
            reverse("admin:tenants_partner_invite", args=[partner.pk]), _("Invite"),
        )  # fmt: skip

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "brand_color":
            kwargs["widget"] = UnfoldAdminColorInputWidget
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_urls(self) -> list[Any]:
        pages = [
            ("logo", self.own_page(_logo, reads=True)),
            ("invite", self.own_page(self._invite)),
        ]
        return [
            *(
                path(f"<uuid:partner_id>/{name}/", view, name=f"tenants_partner_{name}")
                for name, view in pages
            ),
            *super().get_urls(),
        ]

    def _invite(self, request: HttpRequest, partner_id: uuid.UUID) -> HttpResponseBase:
        frame = {**self.admin_site.each_context(request), "opts": self.opts}
        return inviting.to_partner(request, partner_id, frame)

    def save_model(self, request: HttpRequest, obj: Partner, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if logo := form.cleaned_data.get("logo_file"):
            keep_logo(partner=obj, content_type=logo[0], content=logo[1])
        elif form.cleaned_data.get("remove_logo"):
            remove_logo(partner=obj)
        else:
            return
        obj.save(update_fields=["logo_version", "updated_at"])


def _logo(request: HttpRequest, partner_id: uuid.UUID) -> HttpResponse:
    """As it is kept, for the preview."""
    logo = get_object_or_404(PartnerLogo, partner=partner_id)
    return HttpResponse(bytes(logo.content), content_type=logo.content_type)
