"""The fleet page: every tenant's state at a glance, and the ways into each."""

import uuid
from functools import cached_property, partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList

from controlplane.core.admin import actor_of
from tenants.admin import domains, inviting, leaving, progress, support
from tenants.admin.adding import TenantAddForm
from tenants.admin.cells import as_display, shown
from tenants.admin.filters import (
    PartnerFilter,
    RegionFilter,
    SchemaFilter,
    TierFilter,
    filter_of,
)
from tenants.admin.fleet_actions import FleetActions
from tenants.admin.inlines import inlines
from tenants.admin.places import ChoosesLanguageAndZone
from tenants.admin.retention import RegionCleaned
from tenants.admin.summary import summary
from tenants.fingerprint import current_fingerprint
from tenants.fleet_page import Mark, columns, fleet
from tenants.models import Tenant
from tenants.provisioning import enqueue_provisioning, fleet_column, start_tenant
from tenants.residency import change_region

BUSINESS = ["currency", "tax_regime", "fulfilment"]


class TenantChangeForm(RegionCleaned, forms.ModelForm):
    """A region that something of the tenant's stands outside of is refused."""


class FleetList(ChangeList):
    """One page of tenants, with what the registered columns know of all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        cells = {column.name: column.load(self.result_list) for column in columns()}
        for tenant in self.result_list:
            tenant.cells = cells

    def _get_default_ordering(self) -> list[str]:
        # Production sorts before sandbox, so that the two stand together.
        return ["family", "environment", "name"]

    @cached_property
    def summary(self) -> dict[str, Any]:
        return summary()


@admin.register(Tenant)
class TenantAdmin(FleetActions, ChoosesLanguageAndZone):
    list_before_template = "tenants/admin/summary.html"
    list_per_page = 50
    list_fullwidth = True
    list_filter_submit = True
    show_full_result_count = False
    search_fields = ["name", "slug", "domains__domain", "lead"]
    search_help_text = gettext_lazy("Name, address or leading partner")
    readonly_fields = [
        "schema_name", "status", "set_up", "release", "created_at", "inside", "further",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        return fleet(super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FleetList

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        known = [as_display(column) for column in columns()]
        return ["named", "state", "led_by", "schema", "active", *known, "inside"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [
            ("status", ChoicesDropdownFilter),
            ("environment", ChoicesDropdownFilter),
            PartnerFilter,
            TierFilter,
            RegionFilter,
            SchemaFilter,
            *(filter_of(column) for column in columns() if column.choices),
        ]

    @display(description=gettext_lazy("Tenant"), ordering="family")
    def named(self, tenant: Tenant) -> str:
        mark = (
            format_html(' <span class="pg-mark pg-info">{}</span>', _("Sandbox"))
            if tenant.is_sandbox
            else ""
        )
        return format_html(
            '<span class="pg-tenant{}"><b>{}{}</b><small>{}</small></span>',
            " pg-sandbox" if tenant.is_sandbox else "",
            tenant.name, mark, tenant.domain or tenant.slug,
        )  # fmt: skip

    @display(
        description=gettext_lazy("Status"),
        ordering="status",
        label={
            "active": "success", "provisioning": "info",
            "suspended": "danger", "leaving": "warning",
        },
    )  # fmt: skip
    def state(self, tenant: Tenant) -> tuple[str, str]:
        return tenant.status, str(tenant.get_status_display()).partition(":")[0]

    @display(description=gettext_lazy("Led by"), ordering="lead", empty_value="–")
    def led_by(self, tenant: Tenant) -> str | None:
        return tenant.lead  # type: ignore[attr-defined, no-any-return]

    @display(description=gettext_lazy("Release"), ordering="release")
    def schema(self, tenant: Tenant) -> str:
        if tenant.status == Tenant.Status.PROVISIONING:
            return "–"
        if tenant.schema_fingerprint == current_fingerprint():
            return tenant.release or _("current")
        why = _("Its schema lacks migrations of this release, or has others.")
        return format_html(
            '{} <span class="pg-mark pg-warning" title="{}">{}</span>',
            tenant.release, why, _("Behind"),
        )  # fmt: skip

    @display(description=gettext_lazy("Last active"), ordering="last_active_at")
    def active(self, tenant: Tenant) -> str:
        at = tenant.last_active_at
        if at is None:
            return "–"
        words = _("%(time)s ago") % {"time": timesince(at, depth=1)}
        return format_html('<time title="{}">{}</time>', timezone.localtime(at), words)

    @display(description=gettext_lazy("Inside"))
    def inside(self, tenant: Tenant) -> str:
        if tenant.status == Tenant.Status.PROVISIONING:
            there = reverse("admin:tenants_tenant_progress", args=[tenant.pk])
            return format_html('<a class="pg-link" href="{}">{}</a>', there, _("Progress"))
        if tenant.status != Tenant.Status.ACTIVE:
            return "–"
        there = reverse("admin:tenants_tenant_enter", args=[tenant.pk])
        own = f"/t/{tenant.slug}{reverse('admin:index')}"
        return format_html(
            '<a class="pg-link" href="{}">{}</a> <a class="pg-link" href="{}">{}</a>',
            there, _("Enter"), own, _("Open its admin"),
        )  # fmt: skip

    @display(description=gettext_lazy("Set up"))
    def set_up(self, tenant: Tenant) -> str:
        return shown(fleet_column.load([tenant]).get(tenant.pk, Mark(_("Done"), "success")))

    @display(description=gettext_lazy("Further"))
    def further(self, tenant: Tenant) -> str:
        pages = [
            ("tenants_tenant_progress", _("Progress")),
            ("tenants_tenant_invite", _("Invite")),
            ("tenants_engagement_matrix", _("Who owns what")),
            ("tenants_tenant_domains", _("Domains")),
            ("tenants_tenant_leave", _("Leaving")),
        ]
        return format_html_join(
            " ",
            '<a class="pg-link" href="{}">{}</a>',
            ((reverse(f"admin:{name}", args=[tenant.pk]), text) for name, text in pages),
        )

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["form"] = TenantAddForm if obj is None else TenantChangeForm
        return super().get_form(request, obj, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        places = ["language", "time_zone", "region"]
        if obj is None:
            return [(None, {"fields": ["name", "slug", "partner", *places]})]
        return [
            (None, {"fields": ["name", "slug", *places]}),
            # A sandbox has its production's.
            *([] if obj.is_sandbox else [(_("Business"), {"fields": BUSINESS})]),
            (_("Operation"), {"fields": self.readonly_fields}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, "slug"] if obj else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["name"]}

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return inlines() if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # taking a tenant away exports and cleans up first; it is no row deletion

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        if change:
            region, obj.region = obj.region, form.initial["region"]
            super().save_model(request, obj, form, change)
            if "region" in form.changed_data:
                # What follows from it reaches outside of the database.
                move = partial(change_region, tenant=obj, region=region, by=actor_of(request))
                transaction.on_commit(move)
            return
        started = start_tenant(
            slug=obj.slug,
            name=obj.name,
            partner=form.cleaned_data["partner"],
            language=obj.language,
            time_zone=obj.time_zone,
            region=obj.region,
        )
        obj.pk, obj._state.adding = started.pk, False
        obj.refresh_from_db()
        enqueue_provisioning(started, by=actor_of(request))

    def response_add(self, request: HttpRequest, obj: Tenant, *_args: Any) -> HttpResponse:
        return redirect("admin:tenants_tenant_progress", obj.pk)

    def get_urls(self) -> list[Any]:
        own = [
            ("enter", self._enter, "enter"),
            ("enter/portal", support.to_portal, "portal"),
            ("leave", self._leave, "leave"),
            ("domains", self._domains, "domains"),
            ("invite", self._invite, "invite"),
            ("progress", self._progress, "progress"),
            ("progress/state", progress.state, "progress_state"),
        ]
        pages = [
            path(f"<uuid:tenant_id>/{route}/", self.own_page(view), name=f"tenants_tenant_{name}")
            for route, view, name in own
        ]
        return pages + super().get_urls()

    def _enter(self, request: HttpRequest, tenant_id: uuid.UUID) -> HttpResponseBase:
        return support.enter(request, tenant_id, self._frame(request))

    def _progress(self, request: HttpRequest, tenant_id: uuid.UUID) -> HttpResponseBase:
        return progress.page(request, tenant_id, self._frame(request))

    def _leave(self, request: HttpRequest, tenant_id: uuid.UUID) -> HttpResponseBase:
        return leaving.page(request, tenant_id, self._frame(request))

    def _domains(self, request: HttpRequest, tenant_id: uuid.UUID) -> HttpResponseBase:
        return domains.page(request, tenant_id, self._frame(request))

    def _invite(self, request: HttpRequest, tenant_id: uuid.UUID) -> HttpResponseBase:
        return inviting.to_tenant(request, tenant_id, self._frame(request))

    def _frame(self, request: HttpRequest) -> dict[str, Any]:
        """What unfold's frame around a page asks for."""
        return {**self.admin_site.each_context(request), "opts": self.opts}
