"""API keys: issued, shown once, revoked."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from controlplane.core.admin import SharedModelAdmin
from tenants.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(SharedModelAdmin):
    list_display = ["name", "prefix", "tenant", "expires_at", "revoked_at", "last_used_at"]
    list_filter = ["tenant"]
    list_select_related = ["tenant"]
    search_fields = ["name", "prefix", "tenant__name"]
    autocomplete_fields = ["tenant"]
    readonly_fields = ["prefix", "installation_id", "revoked_at", "last_used_at"]
    fields = ["name", "tenant", "scopes", "expires_at", *readonly_fields]
    actions = ["revoke"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, "tenant", "scopes"] if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # revoked keys stay: the audit names them

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        key, text = ApiKey.issue(
            tenant=obj.tenant, name=obj.name, scopes=obj.scopes, expires_at=obj.expires_at
        )
        obj.pk, obj._state.adding, obj.prefix = key.pk, False, key.prefix
        messages.warning(
            request, _("Copy the key now, it is shown this once: %(key)s") % {"key": text}
        )

    @action(description=_("Revoke"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            key.revoke()
        messages.success(request, _("Revoked; calls with it are refused from now on."))
