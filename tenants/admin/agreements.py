"""What was agreed with customers about their data: added here, and never changed."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from controlplane.core.admin import ReadOnlyInline, SharedModelAdmin, actor_of
from tenants import lookup
from tenants.admin.inlines import register_inline
from tenants.agreements import TODAY
from tenants.models import Agreement, Tenant


class AgreementForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Agreement
        fields = [
            "tenant", "document", "valid_from", "agreed_by",
            "data_owner", "ai_assisted", "processed_in", "subprocessors",
        ]  # fmt: skip

    def clean_tenant(self) -> Tenant:
        tenant: Tenant = self.cleaned_data["tenant"]
        if tenant.is_sandbox:
            raise forms.ValidationError(
                _("Choose %(production)s instead: its sandbox goes by what was agreed for it."),
                params={"production": tenant.customer},
            )
        return tenant


@admin.register(Agreement)
class AgreementAdmin(SharedModelAdmin):
    """A correction is another row: what held on any day can still be told."""

    form = AgreementForm
    list_display = ["tenant", "document", "valid_from", "ai_assisted", "processed_in", "holds"]
    list_filter = ["ai_assisted"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name", "tenant__slug", "document", "data_owner", "agreed_by"]
    autocomplete_fields = ["tenant"]
    date_hierarchy = "valid_from"
    fields = AgreementForm.Meta.fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agreement]:
        of_tenant = Agreement.objects.filter(tenant=OuterRef("tenant"), valid_from__lte=TODAY)
        return (
            super()
            .get_queryset(request)
            .annotate(in_force=Subquery(of_tenant.newest_first().values("pk")[:1]))
        )

    @display(description=_("Holds today"), boolean=True)
    def holds(self, agreement: Agreement) -> bool:
        return agreement.in_force == agreement.pk  # type: ignore[attr-defined, no-any-return]

    def save_model(self, request: HttpRequest, obj: Agreement, form: Any, change: bool) -> None:
        obj.recorded_by = actor_of(request).label
        super().save_model(request, obj, form, change)
        lookup.forget_tenants()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AgreementInline(ReadOnlyInline):
    """On the tenant's page; the newest first."""

    model = Agreement
    fields = ("document", "valid_from", "ai_assisted", "processed_in", "agreed_by", "recorded_by")
    readonly_fields = fields


register_inline(AgreementInline)
