"""n8n servers for the platform, the workspace for a tenant. Keys go in and never come out."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminPasswordWidget

from controlplane.core.admin import ReadOnlyTenantModelAdmin, SharedModelAdmin, actor_of
from controlplane.instances import services
from controlplane.instances.models import Instance, Workspace
from controlplane.instances.residency import tenants_held


class InstanceForm(forms.ModelForm):  # type: ignore[type-arg]
    """The key's field is always empty: filled in, it replaces the stored key."""

    new_key = forms.CharField(
        label=_("API key"),
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_(
            "Made in n8n under Settings, n8n API: the owner's, for an n8n that Pergola started. "
            "Stored encrypted and never shown again; leave empty to keep the stored one."
        ),
    )

    class Meta:
        model = Instance
        fields = (
            "name",
            "shape",
            "partner",
            "tenant",
            "region",
            "base_url",
            "webhook_base_url",
            "editor_base_url",
            "project_id",
        )

    def clean_region(self) -> str:
        region: str = self.cleaned_data["region"]
        held = tenants_held(self.instance, region) if not self.instance._state.adding else []
        if held:
            raise forms.ValidationError(
                _("These tenants are on it and must stay in their region: %(tenants)s."),
                params={"tenants": ", ".join(f"{t.name} ({t.region})" for t in held)},
            )
        return region

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        key = self.cleaned_data.get("new_key")
        if key:
            self.instance.owner_key = key
        elif not self.instance.owner_key:
            self.add_error("new_key", _("Pergola needs a key to use this n8n."))
        return cleaned


@admin.register(Instance)
class InstanceAdmin(SharedModelAdmin):
    form = InstanceForm
    list_display = ("name", "shape", "belongs_to", "base_url", "health_label", "version", "checked")
    list_filter = ("health", "shape", "region")
    search_fields = ("name", "base_url")
    list_select_related = ("partner", "tenant")
    readonly_fields = ("health_label", "health_detail", "version", "checked")
    fieldsets = (
        (None, {"fields": ("name", "shape", "partner", "tenant", "region")}),
        (
            _("Way in"),
            {
                "fields": (
                    "base_url",
                    "webhook_base_url",
                    "editor_base_url",
                    "new_key",
                    "project_id",
                )
            },
        ),
        (_("Health"), {"fields": readonly_fields}),
    )
    actions = ("check_selected",)
    actions_detail = ("check_health_now",)

    def save_model(
        self, request: HttpRequest, obj: Instance, form: InstanceForm, change: bool
    ) -> None:
        services.save_instance(obj, by=actor_of(request))

    @display(
        description=_("Health"),
        ordering="health",
        label={"ok": "success", "degraded": "warning", "down": "danger", "unknown": "info"},
    )
    def health_label(self, instance: Instance) -> tuple[str, str]:
        return instance.health, instance.get_health_display()

    @display(description=_("Belongs to"))
    def belongs_to(self, instance: Instance) -> str:
        return str(instance.partner or instance.tenant or "")

    @display(description=_("Last checked"), ordering="health_checked_at", empty_value=_("never"))
    def checked(self, instance: Instance) -> object:
        return instance.health_checked_at

    @action(description=_("Check health now"), permissions=["change"], icon="cardiology")
    def check_health_now(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        instance = self.get_object(request, object_id)
        if instance is not None:
            self._tell(request, services.check_health(instance))
        return redirect("admin:instances_instance_change", object_id)

    @admin.action(description=_("Check health now"), permissions=["change"])
    def check_selected(self, request: HttpRequest, queryset: QuerySet[Instance]) -> None:
        for instance in queryset:
            self._tell(request, services.check_health(instance))

    def _tell(self, request: HttpRequest, instance: Instance) -> None:
        level = messages.SUCCESS if instance.health == Instance.Health.OK else messages.WARNING
        detail = instance.health_detail or instance.get_health_display()
        self.message_user(request, f"{instance}: {detail}", level)


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnlyTenantModelAdmin):
    list_display = ("prefix", "base_url", "ready", "updated_at")
    fields = (
        "prefix",
        "ready",
        "base_url",
        "webhook_base_url",
        "tag",
        "member_email",
        "project_id",
        "created_at",
        "updated_at",
    )
    readonly_fields = fields

    @display(description=_("Usable"), boolean=True)
    def ready(self, workspace: Workspace) -> bool:
        return workspace.is_ready
