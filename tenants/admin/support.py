"""Support access from the admin: asking for it with a reason, and the list of who was where."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from controlplane.core.admin import ReadOnlySharedModelAdmin, actor_of
from controlplane.core.errors import DomainError
from tenants import support_access
from tenants.models import Member, SupportEntry, Tenant


class EnterForm(forms.Form):
    """Why, for how long, and with which role in the portal."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=10,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text=_("The tenant reads it: say what you are after, such as a ticket's number."),
    )
    minutes = forms.TypedChoiceField(
        label=_("For"),
        coerce=int,
        choices=[(minutes, _("%d minutes") % minutes) for minutes in support_access.MINUTES],
        initial=support_access.MINUTES[1],
        widget=UnfoldAdminRadioSelectWidget,
    )
    as_role = forms.ChoiceField(
        label=_("Role in the portal"),
        choices=Member.Role.choices,
        initial=Member.Role.VIEWER,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Viewer only looks. Whatever you do carries your name, not somebody else's."),
    )


@admin.register(SupportEntry)
class SupportEntryAdmin(ReadOnlySharedModelAdmin):
    list_display = ["person", "tenant", "state", "as_role", "reason", "started_at", "left_at"]
    list_filter = ["as_role"]
    list_select_related = ["tenant"]
    search_fields = ["person", "reason", "tenant__name", "tenant__slug"]
    date_hierarchy = "started_at"
    actions = ["end_now"]

    @display(description=_("State"), label={"open": "warning", "over": "info"})
    def state(self, entry: SupportEntry) -> tuple[str, Any]:
        return ("open", _("Inside")) if entry.is_open else ("over", _("Over"))

    @display(description=_("Until"))
    def left_at(self, entry: SupportEntry) -> object:
        return entry.left_at

    @action(description=_("End now"))
    def end_now(self, request: HttpRequest, queryset: QuerySet[SupportEntry]) -> None:
        by = actor_of(request)
        for entry in queryset:
            if support_access.end_entry(entry=entry, by=by):
                messages.success(request, _("%(entry)s: ended.") % {"entry": entry})
            else:
                messages.info(request, _("%(entry)s: was over already.") % {"entry": entry})


def enter(request: HttpRequest, tenant_id: uuid.UUID, context: dict[str, Any]) -> HttpResponseBase:
    """Ask for access, or see what is open: where to go, and how to leave."""
    tenant = get_object_or_404(Tenant.objects.active(), pk=tenant_id)
    entry = support_access.open_entry(request.user, tenant)  # type: ignore[arg-type]
    wanted = _within(request, tenant)
    form = EnterForm(request.POST or None)
    if request.method == "POST" and entry is not None and "leave" in request.POST:
        support_access.end_entry(entry=entry, by=actor_of(request))
        messages.success(request, _("You have left %(tenant)s.") % {"tenant": tenant})
        return redirect("admin:tenants_tenant_changelist")
    if request.method == "POST" and entry is None and form.is_valid():
        try:
            support_access.enter_tenant(
                user=request.user,  # type: ignore[arg-type]
                tenant=tenant,
                by=actor_of(request),
                **form.cleaned_data,
            )
        except DomainError as refused:
            messages.error(request, refused.detail)
            return redirect(request.path)
        return redirect(wanted or request.path)
    page = {
        **context,
        "title": _("Enter %(tenant)s") % {"tenant": tenant},
        "tenant": tenant,
        "entry": entry,
        "form": form,
        "inside": wanted or f"/t/{tenant.slug}/admin/",
    }
    status = 422 if form.errors and entry is None else 200
    return TemplateResponse(request, "tenants/admin/enter.html", page, status=status)


def to_portal(request: HttpRequest, tenant_id: uuid.UUID) -> HttpResponse:
    """On to the portal by a link that works once."""
    tenant = get_object_or_404(Tenant.objects.active(), pk=tenant_id)
    entry = support_access.open_entry(request.user, tenant)  # type: ignore[arg-type]
    if entry is None:
        return redirect("admin:tenants_tenant_enter", tenant_id)
    return redirect(support_access.portal_link(entry))


def _within(request: HttpRequest, tenant: Tenant) -> str:
    """The page of the tenant's admin that was asked for; nothing else is gone to."""
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours and wanted.startswith(f"/t/{tenant.slug}/admin/") else ""
