"""Where the tenant's data is, how long it is kept, what the last purge did, and what is used."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from controlplane.portal import usage
from controlplane.portal.doors import member_page, requires
from tenants.context import outside
from tenants.permissions import Permission
from tenants.retention.purge import retention_of


@require_GET
@member_page
@requires(Permission.SETTINGS)
def index(request: HttpRequest) -> HttpResponse:
    with outside():
        kept = retention_of(request.tenant)
    context = {
        "section": "data",
        "region": request.tenant.region,
        "kept": kept,
        "usage": usage.rows_now(),
    }
    return TemplateResponse(request, "portal/data/index.html", context)
