"""API keys: issued, shown once, rotated, revoked."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelect2MultipleWidget,
)

from controlplane.core import shown_once
from controlplane.core.admin import SharedModelAdmin, actor_of
from controlplane.core.errors import DomainError
from tenants.keys import (
    SUGGESTED_OVERLAP,
    issue_key,
    operation_choices,
    revoke_key,
    rotate_key,
    scope_choices,
)
from tenants.models import ApiKey

ROTATED = "rotated keys"
"""What the list shows once; a new key's own page shows it under the key's id."""


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Chosen from what there is, as in the portal."""

    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    operations = forms.MultipleChoiceField(
        label=_("Only these operations"),
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text=_("None chosen: every operation that the above permits."),
    )

    class Meta:
        model = ApiKey
        fields = ["name", "tenant", "partner", "scopes", "operations", "expires_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = {"scopes": scope_choices, "operations": operation_choices}
        # A key that was issued has no field: it is only looked at.
        for name in choices.keys() & self.fields.keys():
            self.fields[name].choices = choices[name]()  # type: ignore[attr-defined]


@admin.register(ApiKey)
class ApiKeyAdmin(SharedModelAdmin):
    form = KeyForm
    list_display = ["name", "text", "tenant", "state", "expires_at", "last_used_at"]
    list_filter = [("tenant", AutocompleteSelectFilter), "tenant__environment"]
    list_filter_submit = True
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
    list_before_template = "tenants/admin/new_keys.html"
    change_form_before_template = "tenants/admin/new_keys.html"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        answer: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), **_new_keys(request, of=ROTATED)}
        )
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        shown = {**(extra_context or {}), **_new_keys(request, of=object_id)}
        answer: HttpResponse = super().change_view(request, object_id, form_url, shown)
        return answer

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
        shown_once.keep(request, of=str(key.pk), secret=f"{key.name}: {text}")

    def response_add(self, request: HttpRequest, obj: ApiKey, *_args: Any) -> HttpResponse:
        return redirect("admin:tenants_apikey_change", obj.pk)

    @action(description=_("Rotate: a new key, and seven days more for the old one"))
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        made = []
        for key in queryset:
            try:
                _new, text = rotate_key(key=key, overlap=SUGGESTED_OVERLAP, by=actor_of(request))
            except DomainError as error:
                messages.error(request, error.detail)
            else:
                made.append(f"{key.name}: {text}")
        if made:
            shown_once.keep(request, of=ROTATED, secret="\n".join(made))

    @action(description=_("Revoke"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            revoke_key(key=key, by=actor_of(request))
        messages.success(request, _("Revoked; calls with it are refused from now on."))


def _new_keys(request: HttpRequest, *, of: str) -> dict[str, list[str]]:
    """For the page's own context: names and texts of keys that were just made."""
    if request.method != "GET":
        return {}
    return {"new_keys": shown_once.take(request, of=of).splitlines()}
