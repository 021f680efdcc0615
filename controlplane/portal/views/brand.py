"""The partner's colour as a stylesheet and as the tab's icon, and its logo.

Their addresses carry the colour and the logo's version, so that they may be kept for a day.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from controlplane.portal import colors
from controlplane.portal.context import brand_shown
from tenants.logos import logo_of

for_a_day = cache_control(public=True, max_age=24 * 60 * 60)


@require_GET
@for_a_day
def stylesheet(request: HttpRequest) -> HttpResponse:
    color = brand_shown(request).brand_color
    return HttpResponse(colors.stylesheet(color), content_type="text/css; charset=utf-8")


@require_GET
@for_a_day
def mark(request: HttpRequest) -> HttpResponse:
    brand = brand_shown(request)
    color = brand.brand_color
    drawn = render_to_string(
        "portal/mark.svg",
        {"fill": color, "ink": colors.ink_on(color), "letter": brand.brand_name[:1].upper()},
    )
    return HttpResponse(drawn, content_type="image/svg+xml")


@require_GET
@for_a_day
def logo(request: HttpRequest) -> HttpResponse:
    """The pixels that `tenants.logos` wrote, as nothing but a picture."""
    brand = brand_shown(request)
    found = logo_of(brand) if brand.logo_version else None
    if found is None:
        raise Http404("no logo")
    response = HttpResponse(bytes(found.content), content_type=found.content_type)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response
