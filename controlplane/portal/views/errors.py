"""403, 404 and 500 in the partner's brand and the reader's language.

They stand outside the tenant, and the last one must not fail where everything else did.
"""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import translation

from controlplane.core import problems
from controlplane.core.errors import DomainError
from controlplane.core.logs import get_logger
from controlplane.portal.context import brand_shown
from tenants.members import PLAIN_BRAND

JSON_DOORS = ("/api/", "/in/")

log = get_logger(__name__)


def _language(request: HttpRequest) -> str:
    member, tenant = getattr(request, "member", None), getattr(request, "tenant", None)
    return (member and member.language) or (tenant and tenant.language) or "en"


def _page(request: HttpRequest, template: str, status: int, reason: str = "") -> HttpResponse:
    with translation.override(_language(request)):
        context = {"exception": reason}
        return TemplateResponse(request, template, context, status=status).render()


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "403.html", 403, str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "404.html", 404)


class FaultOfOurs(DomainError):
    code = "internal_error"
    status = 500
    title = "Something broke on our side"


def failed(request: HttpRequest) -> HttpResponse:
    """A page for people, a problem for machines; neither tells what broke, which the log does."""
    if request.path.startswith(JSON_DOORS):
        return problems.respond(
            FaultOfOurs(
                "Nothing is wrong with the call. Try again; the operator sees it in the log."
            )
        )
    try:
        brand = brand_shown(request)
    except Exception:
        log.exception("the brand could not be read for an error page")
        brand = PLAIN_BRAND
    with translation.override(_language(request)):
        context = {"brand": brand, "request": request}
        return HttpResponse(render_to_string("500.html", context), status=500)
