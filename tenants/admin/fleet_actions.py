"""What can be done to many tenants at once, with what came of it for each."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from controlplane.core.admin import actor_of
from tenants.migration import enqueue_migration
from tenants.models import Tenant
from tenants.provisioning import enqueue_provisioning
from tenants.suspension import reactivate_tenant, suspend_tenant

SHOWN = 10
"""Tenants named in one message; the rest is counted."""
Status = Tenant.Status


class FleetActions:
    actions = ("suspend", "reactivate", "migrate_now", "provision_again")

    @action(description=gettext_lazy("Suspend: portal, API and intake answer no more"))
    def suspend(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> HttpResponse | None:
        if "confirmed" not in request.POST:
            return self._ask(
                request,
                queryset.filter(status=Status.ACTIVE),
                "suspend",
                title=_("Suspend these tenants?"),
                what=_(
                    "Their portals, their API and their intake answer no more, within seconds. "
                    "Nothing is deleted, what waits to be sent waits on, and “Reactivate” brings "
                    "them back."
                ),
                button=_("Suspend"),
            )
        by = actor_of(request)

        def run(tenant: Tenant) -> str:
            return "" if suspend_tenant(tenant=tenant, by=by) else _not_while(tenant)

        _each(request, queryset, run, done=_("Suspended"))
        return None

    @action(description=gettext_lazy("Reactivate what is suspended"))
    def reactivate(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        by = actor_of(request)

        def run(tenant: Tenant) -> str:
            return "" if reactivate_tenant(tenant=tenant, by=by) else _not_while(tenant)

        _each(request, queryset, run, done=_("Reactivated"))

    @action(description=gettext_lazy("Migrate now"))
    def migrate_now(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        by = actor_of(request)

        def run(tenant: Tenant) -> str:
            if tenant.status == Status.PROVISIONING:
                return _not_while(tenant)
            enqueue_migration(tenant, by=by)
            return ""

        _each(request, queryset, run, done=_("Will be migrated by the worker"))

    @action(description=gettext_lazy("Provision again: finishes what was interrupted"))
    def provision_again(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        by = actor_of(request)

        def run(tenant: Tenant) -> str:
            if tenant.status not in {Status.PROVISIONING, Status.ACTIVE}:
                return _not_while(tenant)  # its last step would make the tenant active
            enqueue_provisioning(tenant, by=by)
            return ""

        _each(request, queryset, run, done=_("Will be provisioned again by the worker"))

    def _ask(
        self, request: HttpRequest, tenants: QuerySet[Tenant], name: str, **words: Any
    ) -> HttpResponse:
        """A page that says what will happen to whom, and comes back with `confirmed`."""
        admin: Any = self
        context = {
            **admin.admin_site.each_context(request),
            **words,
            "action": name,
            "tenants": tenants,
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across", "0"),
            "checkbox": ACTION_CHECKBOX_NAME,
            "opts": admin.opts,
        }
        return TemplateResponse(request, "tenants/admin/confirm.html", context)


def _each(
    request: HttpRequest, tenants: QuerySet[Tenant], run: Callable[[Tenant], str], *, done: str
) -> None:
    """`run` returns why it was not done, or nothing."""
    outcomes: dict[str, list[str]] = {}
    for tenant in tenants:
        outcomes.setdefault(run(tenant), []).append(tenant.name)
    for why, names in outcomes.items():
        told = ", ".join(names[:SHOWN])
        if len(names) > SHOWN:
            told = _("%(names)s and %(count)d more") % {
                "names": told,
                "count": len(names) - SHOWN,
            }
        if why:
            messages.warning(request, _("Nothing done: %(names)s. %(why)s") % {
                "names": told, "why": why,
            })  # fmt: skip
        else:
            messages.success(request, f"{done}: {told}.")


def _not_while(tenant: Tenant) -> str:
    return {
        Status.PROVISIONING: _("They are being provisioned; wait, or provision them again."),
        Status.ACTIVE: _("They are active already."),
        Status.SUSPENDED: _("They are suspended; reactivate them first."),
        Status.LEAVING: _("They are leaving."),
    }[Status(tenant.status)]
