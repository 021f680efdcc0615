"""Django admin in two halves: shared rows at /admin/, a tenant's rows at /t/<tenant>/admin/."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet

from controlplane.core.actor import Actor, ActorKind
from controlplane.core.admin_trail import LeavesTrail
from controlplane.core.schema import is_in_tenant

View = Callable[..., HttpResponseBase]


def actor_of(request: HttpRequest) -> Actor:
    """The platform admin who is logged in, as the one who does something."""
    user = request.user
    name = user.get_full_name() or user.get_username()
    place = "platform support" if request.in_tenant_admin else "platform"
    return Actor(ActorKind.MEMBER, str(user.pk), f"{name} ({place})")


class _PlacedModelAdmin(LeavesTrail):
    """Permits anything only in that half of the admin where the table stands."""

    compressed_fields = True
    warn_unsaved_form = True
    stands_in_tenant: bool | None = False
    """None: in both halves."""

    def _is_here(self) -> bool:
        return self.stands_in_tenant in (None, is_in_tenant())

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

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Who may only look at rows takes no steps on them; deleting has a permission of its own.

        Asked of the person: rows that only services write have steps too.
        """
        found: dict[str, Any] = super().get_actions(request)
        change = get_permission_codename("change", self.opts)
        if request.user.has_perm(f"{self.opts.app_label}.{change}"):
            return found
        return {name: each for name, each in found.items() if name == "delete_selected"}

    def own_page(self, view: View, *, reads: bool = False) -> View:
        """A page besides Django's own, for `get_urls`: `admin_view` alone lets in all of the staff.

        403 for who may not change rows of the kind; or may not see them, where it only `reads`.
        """

        @wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            may = self.has_view_permission if reads else self.has_change_permission
            if not may(request):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded: View = self.admin_site.admin_view(page)
        return guarded

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """What happened to it stands in the audit trail of the half where it stands."""
        return redirect(f"{reverse('admin:audit_entry_changelist')}?q={quote(object_id)}")


class SharedModelAdmin(_PlacedModelAdmin):
    """Rows of the shared schema; not open inside a tenant's admin."""


class TenantModelAdmin(_PlacedModelAdmin):
    """Rows of one tenant, inside its schema and role. What is done is audited there."""

    stands_in_tenant = True


class ReadOnly(_PlacedModelAdmin):
    """Rows that only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyTenantModelAdmin(ReadOnly, TenantModelAdmin):
    """A tenant's rows that only services write."""


class ReadOnlySharedModelAdmin(ReadOnly, SharedModelAdmin):
    """Shared rows that only services write."""


class ReadOnlyModelAdmin(ReadOnly):
    """Rows of a table that stands in both schemas, to look at: those of where one is."""

    stands_in_tenant = None


class _BelowTheirRow(PaginationInlineFormSet):
    """Each row has the one that it belongs to at hand: most are called after it."""

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        for row in rows:
            setattr(row, self.fk.name, self.instance)
        return rows


class ReadOnlyInline(TabularInline):
    """Rows that are shown with the one that they belong to, and with what they point to."""

    extra = 0
    can_delete = False
    formset = _BelowTheirRow

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        keys = {f.name for f in self.model._meta.concrete_fields if f.is_relation}
        found: QuerySet[Any] = super().get_queryset(request)
        return found.select_related(*keys.intersection(self.fields or ()))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def where(request: HttpRequest) -> tuple[str, str] | None:
    """The badge on top of every page of a tenant's admin: how long one may stay, and a sandbox."""
    entry = getattr(request, "support_entry", None)
    words = [gettext("Sandbox")] if _in_sandbox(request) else []
    if entry is not None:
        until = date_format(localtime(entry.expires_at), "TIME_FORMAT")
        words.append(gettext("Support access until %(time)s") % {"time": until})
    return (" · ".join(words), "warning") if words else None


def where_title(request: HttpRequest) -> str | None:
    """What stands before the title of every page of a sandbox's admin."""
    return f"[{gettext('Sandbox')}]" if _in_sandbox(request) else None


def _in_sandbox(request: HttpRequest) -> bool:
    tenant = request.tenant if getattr(request, "in_tenant_admin", False) else None
    return tenant is not None and tenant.is_sandbox


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: the platform's rows, or the tenant's with a way back."""
    if not getattr(request, "in_tenant_admin", False):
        return [
            _group(_("Customers"), [
                (_("Tenants"), "domain", "tenants_tenant"),
                (_("Partners"), "handshake", "tenants_partner"),
                (_("Engagements"), "join_inner", "tenants_engagement"),
                (_("Agreements"), "contract", "tenants_agreement"),
                (_("Members"), "badge", "tenants_member"),
                (_("API keys"), "key", "tenants_apikey"),
                (_("Fleet runs"), "system_update_alt", "tenants_fleetrun"),
                (_("Purges"), "auto_delete", "tenants_purgerun"),
                (_("Support access"), "support_agent", "tenants_supportentry"),
            ]),
            _group(_("Automation"), [
                (_("Templates"), "schema", "catalog_template"),
                (_("Releases"), "new_releases", "catalog_release"),
                (_("Rollouts"), "rocket_launch", "catalog_rollout"),
                (_("Rules for many"), "gavel", "policies_layerpolicy"),
                (_("Simulations"), "science", "policies_layersimulation"),
                (_("n8n instances"), "dns", "instances_instance"),
                (_("Outbox"), "outbox", "events_outboxmessage"),
            ]),
            _group(_("People"), [
                (_("Users"), "person", "auth_user"),
                (_("Audit"), "history", "audit_entry"),
                (_("Single sign-on"), "passkey", "tenants_singlesignon"),
                (_("Security"), "shield", "tenants_securityevent"),
            ]),
        ]  # fmt: skip
    fleet = "/admin/tenants/tenant/"
    back = {"title": _("All tenants"), "icon": "arrow_back", "link": fleet}
    leave = {
        "title": _("Portal, or leave"),
        "icon": "support_agent",
        "link": f"{fleet}{request.tenant.pk}/enter/",
    }
    return [
        {"title": request.tenant.name, "items": [back, leave]},
        _group(_("Automation"), [
            (_("Installations"), "schema", "catalog_installation"),
            (_("Policies"), "gavel", "policies_policy"),
            (_("Decisions"), "balance", "policies_decision"),
            (_("Simulations"), "science", "policies_simulationrun"),
            (_("n8n workspace"), "dns", "instances_workspace"),
        ]),
        _group(_("Work"), [
            (_("Sources"), "input", "events_source"),
            (_("Connections"), "cable", "connections_connection"),
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
