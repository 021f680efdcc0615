"""What every page of a member has in common: who may come in, and how a refusal looks."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache

from controlplane.core.errors import DomainError
from tenants import access
from tenants.context import outside
from tenants.doors import Door, enters
from tenants.permissions import Permission

View = Callable[..., HttpResponseBase]


def member_page(view: View) -> View:
    """For members, within the tenant. An error that a person is meant to read becomes a page."""

    @enters(Door.MEMBER)
    @never_cache
    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            if error.status == 404:
                raise Http404(error.detail) from error
            return TemplateResponse(
                request, "portal/refused.html", {"error": error}, status=error.status
            )

    return page


def of_shared_rows(view: View) -> View:
    """Inside `member_page`: for a page about people and partners, whom no tenant's role may read.

    The door has let in whom it lets in; the tenant is left for the page, rendering included.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with outside():
            response = view(request, *args, **kwargs)
            return response.render() if isinstance(response, TemplateResponse) else response

    return page


def requires(permission: Permission) -> Callable[[View], View]:
    """For a page that only those see who have the permission."""

    def mark(view: View) -> View:
        @wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(request, permission)
            return view(request, *args, **kwargs)

        return page

    return mark


def require(request: HttpRequest, permission: Permission) -> None:
    """For what only a part of a page needs, such as sending its form. Raises PermissionDenied."""
    access.require(permission, request.member, request.tenant)


def in_language_of_tenant(view: View) -> View:
    """For pages that stay outside the tenant; those of members speak the member's language."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        tenant = getattr(request, "tenant", None)
        language = tenant.language if tenant else settings.LANGUAGE_CODE
        zone = tenant.time_zone if tenant else settings.TIME_ZONE
        with translation.override(language), timezone.override(zone):
            response = view(request, *args, **kwargs)
            if isinstance(response, TemplateResponse):
                response.render()
            return response

    return page
