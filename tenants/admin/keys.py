"""API keys: issued, shown once, rotated, revoked."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from controlplane.core.admin import SharedModelAdmin, actor_of
from controlplane.core.errors import DomainError
from tenants.keys import (
    SUGGESTED_OVERLAP,
    issue_key,
    require_engaged,
    revoke_key,
    rotate_key,
)
from tenants.models import ApiKey


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ApiKey
        fields = ["name", "tenant", "partner", "scopes", "operations", "expires_at"]

    def clean_operations(self) -> list[str]:
        return self.cleaned_data["operations"] or []

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        partner, tenant = given.get("partner"), given.get("tenant")
        if partner and tenant:
            try:
                require_engaged(partner.pk, tenant)
            except DomainError as error:
                self.add_error("partner", error.detail)
        return given


@admin.register(ApiKey)
class ApiKeyAdmin(SharedModelAdmin):
    form = KeyForm
    list_display = ["name", "text", "tenant", "state", "expires_at", "last_used_at"]
    list_filter = ["tenant", "tenant__environment"]
    list_select_related = ["tenant"]
    search_fields = ["name", "prefix", "tenant__name"]
    autocomplete_fields = ["tenant", "partner"]
    readonly_fields = [
        "text", "state", "installation_id", "issued_by", "revoked_at", "replaced_by",
        "last_used_at", "last_used_network",
    ]  # fmt: skip
    fields = [
        *("name", "tenant", "partner", "scopes", "operations", "expires_at"), *readonly_fields,
    ]  # fmt: skip
    actions = ["rotate", "revoke"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # A key stays as it was issued: what differs is another key.
        return [*self.fields] if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # revoked keys stay: the audit names them

    @display(description=_("Key"))
    def text(self, key: ApiKey) -> str:
        return f"{key.beginning}_…" if key.prefix else "–"

    @display(
        description=_("Status"),
        label={"active": "success", "replaced": "warning", "expired": "info", "revoked": "danger"},
    )
    def state(self, key: ApiKey) -> str:
        return key.status

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            return
        key, text = issue_key(
            tenant=obj.tenant,
            name=obj.name,
            scopes=obj.scopes,
            operations=obj.operations,
            expires_at=obj.expires_at,
            partner_id=obj.partner_id,
            by=actor_of(request),
        )
        obj.pk = key.pk
        obj.refresh_from_db()
        self._show(request, text)

    @action(description=_("Rotate: a new key, and seven days more for the old one"))
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            try:
                _new, text = rotate_key(key=key, overlap=SUGGESTED_OVERLAP, by=actor_of(request))
            except DomainError as error:
                messages.error(request, error.detail)
            else:
                self._show(request, text)

    @action(description=_("Revoke"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            revoke_key(key=key, by=actor_of(request))
        messages.success(request, _("Revoked; calls with it are refused from now on."))

    def _show(self, request: HttpRequest, text: str) -> None:
        messages.warning(
            request, _("Copy the key now, it is shown this once: %(key)s") % {"key": text}
        )
