"""Platform admins in the tenant: their way in and out, and what its own people see of it.

Entries are shared rows, so the way in and out stands outside the tenant.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from controlplane.portal import lists
from controlplane.portal.doors import in_language_of_tenant, member_page
from tenants import support_access
from tenants.context import outside
from tenants.models import SupportEntry


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    with outside():
        shown = lists.listing(
            request,
            SupportEntry.objects.filter(tenant=request.tenant),
            search_in=["person", "reason"],
            sorts={"person": "person", "started": "started_at"},
            default_sort="-started",
        )
        entries = list(shown.page.object_list)
    context = {
        "section": "support_access",
        "listing": shown,
        "entries": entries,
        "list_id": "support-access",
    }
    return lists.page_or_part(
        request,
        "portal/support_access/list.html",
        "portal/support_access/_table.html",
        context,
    )


@require_GET
@never_cache
@in_language_of_tenant
def enter(request: HttpRequest) -> HttpResponseBase:
    """By the link that the admin's page gives: used up, so that it leaves the address bar."""
    try:
        support_access.follow_link(request, request.GET.get("token", ""))
    except support_access.LinkRefused as error:
        return TemplateResponse(
            request, "portal/support_access/refused.html", {"error": error}, status=error.status
        )
    return redirect("home")


@require_POST
@never_cache
@in_language_of_tenant
def leave(request: HttpRequest) -> HttpResponseBase:
    support_access.leave_portal(request)
    context = {"fleet": f"{settings.PUBLIC_URL}/admin/tenants/tenant/"}
    return TemplateResponse(request, "portal/support_access/left.html", context)
