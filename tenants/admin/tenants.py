"""Tenants: creating, suspending, and the way into each one's own admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from controlplane.core.admin import actor_of
from tenants.admin.places import ChoosesLanguageAndZone
from tenants.models import Engagement, Partner, Tenant
from tenants.provisioning import enqueue_provisioning, start_tenant
from tenants.suspension import reactivate_tenant, suspend_tenant


class TenantAddForm(forms.ModelForm):
    """A new tenant needs the partner that leads it; the rest follows by provisioning."""

    partner = forms.ModelChoiceField(
        Partner.objects.all(), label=_("Leading partner"), widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = Tenant
        fields = ["name", "slug", "language", "time_zone"]

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if Tenant.objects.filter(slug=slug).exists():
            raise ValidationError(_("There is a tenant of this name already."))
        return slug


class EngagementInline(TabularInline):
    model = Engagement
    extra = 0


@admin.register(Tenant)
class TenantAdmin(ChoosesLanguageAndZone):
    list_display = ["name", "slug", "state", "leads", "created_at", "inside"]
    list_filter = ["status", "engagements__partner"]
    search_fields = ["name", "slug"]
    inlines = [EngagementInline]
    readonly_fields = ["schema_name", "status", "created_at", "inside"]
    actions = ["provision_again", "suspend", "reactivate"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        return super().get_queryset(request).prefetch_related("engagements__partner")

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = TenantAddForm
        return super().get_form(request, obj, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["name", "slug", "partner", "language", "time_zone"]})]
        return [
            (None, {"fields": ["name", "slug", "language", "time_zone"]}),
            (_("Provisioning"), {"fields": ["status", "schema_name", "created_at", "inside"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, "slug"] if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.inlines if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # taking a tenant away exports and cleans up first; it is no row deletion

    @display(
        description=_("Status"),
        label={"active": "success", "provisioning": "warning", "suspended": "danger"},
    )
    def state(self, tenant: Tenant) -> tuple[str, str]:
        return tenant.status, tenant.get_status_display()

    @display(description=_("Led by"))
    def leads(self, tenant: Tenant) -> str:
        return ", ".join(e.partner.name for e in tenant.engagements.all() if e.is_lead)

    @display(description=_("Inside"))
    def inside(self, tenant: Tenant) -> str:
        if tenant.status != Tenant.Status.ACTIVE:
            return "–"
        return format_html(
            '<a href="/t/{}{}">{}</a>', tenant.slug, reverse("admin:index"), _("Open its admin")
        )

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        started = start_tenant(
            slug=obj.slug,
            name=obj.name,
            partner=form.cleaned_data["partner"],
            language=obj.language,
            time_zone=obj.time_zone,
        )
        obj.pk, obj._state.adding = started.pk, False
        enqueue_provisioning(started, by=actor_of(request))
        messages.info(
            request, _("%(name)s is being provisioned; reload in a minute.") % {"name": obj.name}
        )

    @action(description=_("Suspend: portal, API and intake answer no more"))
    def suspend(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        done = sum(suspend_tenant(tenant=tenant, by=actor_of(request)) for tenant in queryset)
        self._say(request, done, _("suspended"))

    @action(description=_("Reactivate what is suspended"))
    def reactivate(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        done = sum(reactivate_tenant(tenant=tenant, by=actor_of(request)) for tenant in queryset)
        self._say(request, done, _("reactivated"))

    def _say(self, request: HttpRequest, count: int, verb: Any) -> None:
        text = ngettext("%(count)d tenant was %(verb)s.", "%(count)d tenants were %(verb)s.", count)
        messages.info(request, text % {"count": count, "verb": verb})

    @action(description=_("Provision again (finishes what was interrupted)"))
    def provision_again(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        for tenant in queryset:
            enqueue_provisioning(tenant, by=actor_of(request))
        count = queryset.count()
        messages.info(
            request,
            ngettext("%d tenant is provisioned again.", "%d tenants are provisioned again.", count)
            % count,
        )
