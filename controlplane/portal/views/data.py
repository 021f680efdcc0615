"""Where the tenant's data is, how long it is kept, and what the last purge of it did."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

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
    context = {"section": "data", "region": request.tenant.region, "kept": kept}
    return TemplateResponse(request, "portal/data/index.html", context)
