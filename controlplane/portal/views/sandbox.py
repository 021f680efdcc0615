"""The customer's sandbox: what it is, how far it is, and for managers what to do with it."""

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.portal.doors import member_page, requires
from tenants.context import outside
from tenants.environments import rules
from tenants.environments.copying import NothingToCopy, copy_to_sandbox, last_copy
from tenants.environments.services import (
    create_sandbox,
    remove_sandbox,
    reset_sandbox,
    resume_sandbox,
)
from tenants.members import actor_of
from tenants.models import Tenant
from tenants.permissions import Permission
from tenants.provisioning.steps import RESET, SCHEMA, unfinished_steps

# In words; the names are those of the groups that apps declare.
GROUPS = {
    "policies": gettext_lazy("Rules"),
    "templates": gettext_lazy("Templates with their values"),
    "events": gettext_lazy("Events"),
    "orders": gettext_lazy("Orders"),
    "invoices": gettext_lazy("Invoices, purchase orders and receipts"),
    "tickets": gettext_lazy("Tickets"),
}
AS_THEY_ARE = {"policies"}


@require_GET
@member_page
def show(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "portal/sandbox/show.html", _context(request))


@require_GET
@member_page
def state(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "portal/sandbox/_state.html", _context(request))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def create(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        create_sandbox(tenant=request.tenant, by=actor_of(request.member))
    return redirect("sandbox:show")


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def resume(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        resume_sandbox(tenant=request.tenant, by=actor_of(request.member))
        messages.success(request, _("It is tried again now."))
    return redirect("sandbox:show")


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def copy(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("sandbox:show")
    chosen = request.POST.getlist("what")
    try:
        copy_to_sandbox(tenant=request.tenant, what=chosen, by=actor_of(request.member))
    except NothingToCopy:
        context = {**_context(request, chosen), "is_nothing_chosen": True}
        return TemplateResponse(request, "portal/sandbox/show.html", context, status=422)
    messages.success(request, _("It is being copied. That takes a moment."))
    return redirect("sandbox:show")


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def reset(request: HttpRequest) -> HttpResponse:
    if request.POST.get("sure") == "yes":
        reset_sandbox(tenant=request.tenant, by=actor_of(request.member))
        messages.success(request, _("The sandbox is being emptied and filled anew."))
    return redirect("sandbox:show")


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def remove(request: HttpRequest) -> HttpResponse:
    if request.POST.get("sure") == "yes":
        remove_sandbox(tenant=request.tenant, by=actor_of(request.member))
        messages.success(request, _("The sandbox is being removed."))
    return redirect("sandbox:show")


@require_GET
@member_page
def copied(request: HttpRequest) -> HttpResponse:
    """How the last copy is coming along."""
    return TemplateResponse(request, "portal/sandbox/_copied.html", _context(request))


def _context(request: HttpRequest, chosen: Collection[str] = AS_THEY_ARE) -> dict[str, Any]:
    """`chosen` are the groups that are ticked."""
    production = request.tenant.customer
    with outside():
        # Not as the door remembers it: this page is about what is changing.
        sandbox = Tenant.objects.filter(sandbox_of=production).first()
        address = sandbox.portal_url if sandbox else ""
        left = list(unfinished_steps(sandbox)) if sandbox else []
    # Its own people see how it comes along in production, from where it was asked for.
    copy = last_copy(sandbox) if sandbox and not request.tenant.is_sandbox else None
    is_active = sandbox is not None and sandbox.status == Tenant.Status.ACTIVE
    return {
        "section": "sandbox",
        "production": production,
        "sandbox": sandbox,
        "address": address,
        "is_ready": is_active and not left,
        # What stands can be used, also while something of it waits for n8n.
        "is_usable": is_active and not any(step.name in {SCHEMA, RESET} for step in left),
        "is_emptied": any(step.name == RESET for step in left),
        "has_failed": any(step.status == step.Status.FAILED for step in left),
        "is_leaving": sandbox is not None and sandbox.status == Tenant.Status.LEAVING,
        "copy": copy,
        "groups": [
            (name, GROUPS[name], name in AS_THEY_ARE, name in chosen) for name in rules.groups()
        ],
    }
