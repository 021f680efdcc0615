"""Django admin in two halves: shared rows at /admin/, a tenant's rows at /t/<tenant>/admin/."""

from typing import Any
from urllib.parse import quote

from django.contrib.admin.models import LogEntry
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from controlplane.core.actor import Actor, ActorKind
from controlplane.core.schema import is_in_tenant


def actor_of(request: HttpRequest) -> Actor:
    """The platform admin who is logged in, as the one who does something."""
    user = request.user
    return Actor(ActorKind.MEMBER, str(user.pk), f"{user.get_username()} (platform)")


class _PlacedModelAdmin(ModelAdmin):
    """Permits anything only in that half of the admin where the table stands."""

    compressed_fields = True
    warn_unsaved_form = True
    stands_in_tenant = False

    def _is_here(self) -> bool:
        return is_in_tenant() == self.stands_in_tenant

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        # Django looks for the row before it asks for the permission.
        return super().get_object(request, *args, **kwargs) if self._is_here() else None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_here() and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_here() and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._is_here() and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_here() and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_here() and super().has_delete_permission(request, obj)


class SharedModelAdmin(_PlacedModelAdmin):
    """Rows of the shared schema; not open inside a tenant's admin."""


class TenantModelAdmin(_PlacedModelAdmin):
    """Rows of one tenant, inside its schema and role. What is done is audited there.

    Django's own admin log is shared and out of reach for a tenant's role, so nothing is written
    to it; the services that the admin calls record into the tenant's chain.
    """

    stands_in_tenant = True

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """What happened to it stands in the tenant's audit trail."""
        return redirect(f"{reverse('admin:audit_entry_changelist')}?q={quote(object_id)}")

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry | None:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry | None:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        return None


class _ReadOnly:
    """Rows that only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlySharedModelAdmin(_ReadOnly, SharedModelAdmin):
    """Shared rows that only services write."""


class ReadOnlyTenantModelAdmin(_ReadOnly, TenantModelAdmin):
    """A tenant's rows that only services write."""


class ReadOnlyInline(TabularInline):
    """Rows that are shown with the one that they belong to."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: the platform's rows, or the tenant's with a way back."""
    if not getattr(request, "in_tenant_admin", False):
        return [
            _group(_("Customers"), [
                (_("Tenants"), "domain", "tenants_tenant"),
                (_("Partners"), "handshake", "tenants_partner"),
                (_("Members"), "badge", "tenants_member"),
                (_("API keys"), "key", "tenants_apikey"),
                (_("Fleet runs"), "system_update_alt", "tenants_fleetrun"),
            ]),
            _group(_("Automation"), [
                (_("Templates"), "schema", "catalog_template"),
                (_("n8n instances"), "dns", "instances_instance"),
                (_("Outbox"), "outbox", "events_outboxmessage"),
            ]),
            _group(_("People"), [(_("Users"), "person", "auth_user")]),
        ]  # fmt: skip
    back = {"title": _("All tenants"), "icon": "arrow_back", "link": "/admin/tenants/tenant/"}
    return [
        {"title": request.tenant.name, "items": [back]},
        _group(_("Automation"), [
            (_("Installations"), "schema", "catalog_installation"),
            (_("Policies"), "gavel", "policies_policy"),
            (_("Decisions"), "balance", "policies_decision"),
            (_("n8n workspace"), "dns", "instances_workspace"),
        ]),
        _group(_("Work"), [
            (_("Sources"), "input", "events_source"),
            (_("Events"), "bolt", "events_event"),
            (_("Orders"), "receipt_long", "orders_order"),
            (_("Invoices"), "request_quote", "invoices_invoice"),
            (_("Purchase orders"), "shopping_cart", "invoices_purchaseorder"),
            (_("Goods receipts"), "inventory_2", "invoices_goodsreceipt"),
            (_("Documents"), "menu_book", "knowledge_document"),
            (_("Tickets"), "support_agent", "support_ticket"),
            (_("Triage examples"), "school", "support_triageexample"),
            (_("Triage models"), "model_training", "support_triagemodel"),
            (_("Approvals"), "how_to_reg", "approvals_approval"),
            (_("Audit"), "history", "audit_entry"),
        ]),
    ]  # fmt: skip


def _group(title: Any, items: list[tuple[Any, str, str]]) -> dict[str, Any]:
    return {
        "title": title,
        "separator": True,
        "items": [
            {"title": text, "icon": icon, "link": reverse(f"admin:{model}_changelist")}
            for text, icon, model in items
        ],
    }
