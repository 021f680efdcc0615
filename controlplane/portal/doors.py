"""What every page of a member has in common: who may come in, and how a refusal looks."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from controlplane.core.errors import DomainError
from tenants.doors import Door, enters

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


def require_manager(request: HttpRequest) -> None:
    """Raises PermissionDenied."""
    if not request.member.may_manage:
        raise PermissionDenied(
            _(
                "Your role may look at this but not change it. Ask a manager of your workspace to "
                "do it, or to give you the role “Manager”."
            )
        )


def require_approver(request: HttpRequest) -> None:
    """Raises PermissionDenied."""
    if not request.member.may_decide:
        raise PermissionDenied(
            _(
                "Your role may look at this but not change it. Ask a manager of your workspace to "
                "do it, or to give you the role “Approver”."
            )
        )


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
