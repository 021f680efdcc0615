"""How long a tenant keeps its data, what the purges did, and where its data may be."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from controlplane.core.admin import ReadOnlyInline, SharedModelAdmin
from tenants.admin.inlines import register_inline
from tenants.models import PurgeRun, RetentionRule, Tenant
from tenants.residency import RegionInUse, assert_region_fits
from tenants.retention.classes import all_classes

SHOWN_RUNS = 30


class RetentionRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """The class is chosen from those that are purged; the days are checked by the rule itself."""

    class Meta:
        model = RetentionRule
        fields = ("data_class", "days")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["data_class"] = forms.ChoiceField(
            label=_("Data"),
            choices=[(c.name, c.title) for c in all_classes() if c.terms.is_purged],
            widget=UnfoldAdminSelectWidget(),
        )


class RetentionRuleInline(TabularInline):
    model = RetentionRule
    form = RetentionRuleForm
    extra = 0


class ShowsOutcome:
    """A column that says whether a purge left something."""

    @display(description=_("Result"), label={"ok": "success", "left": "danger"})
    def outcome(self, run: PurgeRun) -> tuple[str, str]:
        return ("ok", "OK") if run.is_clean else ("left", run.error)


@admin.register(PurgeRun)
class PurgeRunAdmin(ShowsOutcome, SharedModelAdmin):
    """What only the purge writes."""

    list_display = ("created_at", "tenant", "data_class", "found", "removed", "left", "outcome")
    list_filter = ("data_class", ("tenant", AutocompleteSelectFilter))
    list_filter_submit = True
    search_fields = ("tenant__name", "tenant__slug", "error")
    list_select_related = ("tenant",)
    readonly_fields = (*list_display, "cutoff", "finished_at", "error")
    fields = readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PurgeRunInline(ShowsOutcome, ReadOnlyInline):
    """The newest ones: a tenant has a dozen every night."""

    model = PurgeRun
    fields = ("data_class", "cutoff", "found", "removed", "left", "finished_at", "outcome")
    readonly_fields = fields
    ordering = ("-created_at",)

    def get_queryset(self, request: Any) -> Any:
        newest = PurgeRun.objects.order_by("-created_at").values("pk")
        tenant = request.resolver_match.kwargs.get("object_id")
        of_tenant = newest.filter(tenant_id=tenant)[:SHOWN_RUNS]
        return super().get_queryset(request).filter(pk__in=of_tenant)


class RegionCleaned:
    """For the tenant's form: a region that something of the tenant's stands outside of is refused.

    Save a changed region by `tenants.residency.change_region`, which does what has to follow.
    """

    instance: Tenant
    cleaned_data: dict[str, Any]

    def clean_region(self) -> str:
        region: str = self.cleaned_data["region"]
        if region != self.instance.region and not self.instance._state.adding:
            try:
                assert_region_fits(self.instance, region)
            except RegionInUse as error:
                raise forms.ValidationError(error.detail) from error
        return region


register_inline(RetentionRuleInline)
register_inline(PurgeRunInline)
