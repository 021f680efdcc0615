"""The first page: what waits, what failed, what was decided; each leads to its list."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from controlplane.portal.doors import member_page
from controlplane.portal.overview import DAYS, overview


@require_GET
@member_page
def home(request: HttpRequest) -> HttpResponse:
    context = {"section": "home", "overview": overview(), "days": DAYS}
    return TemplateResponse(request, "portal/home.html", context)
