"""What every page of a member has in common: who may come in, and how a refusal looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from controlplane.core.errors import DomainError
from tenants import access
from tenants.context import outside
from tenants.doors import Door, enters
from tenants.models import Member, Partner
from tenants.models.members import VOUCHED_BY
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


def partner_acted_for(request: HttpRequest, permission: Permission) -> Partner | None:
    """See `access.partner_opening`: whose place an invitation or a key is for. None: the tenant's.

    Raises PermissionDenied, also where only the seats together would open it.
    """
    with outside():
        return access.partner_opening(
            permission, request.member, request.tenant, session=request.session
        )


def own_page(view: View | None = None, *, changes_log_in: bool = False) -> Any:
    """For what is a person's own, outside the tenant: of the host's members, or of an admin.

    `changes_log_in`: not for whom a partner's provider vouches; it has no say over the account.
    """
    if view is None:
        return partial(own_page, changes_log_in=changes_log_in)

    @never_cache
    @login_required
    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.member = _member_here(request)
        with _as_read_here(request):
            if changes_log_in and VOUCHED_BY in request.session:
                raise PermissionDenied(
                    _("You log in by your partner’s own sign-on. Change your log-in there.")
                )
            response = view(request, *args, **kwargs)
            if isinstance(response, TemplateResponse):
                response.render()
            return response

    return page


def _member_here(request: HttpRequest) -> Member | None:
    """Raises PermissionDenied. On the platform's own host there are only its admins."""
    if request.tenant is None:
        if not request.user.is_superuser:
            raise PermissionDenied(f"{request.user} has no role on the platform.")
        return None
    member = access.member_of(cast(User, request.user), request.tenant, session=request.session)
    if member is None:
        raise PermissionDenied(f"{request.user} has no role in {request.tenant}.")
    return member


@contextmanager
def _as_read_here(request: HttpRequest) -> Iterator[None]:
    member, tenant = request.member, request.tenant
    language = (member and member.language) or (tenant and tenant.language)
    zone = (member and member.time_zone) or (tenant and tenant.time_zone)
    with (
        translation.override(language or settings.LANGUAGE_CODE),
        timezone.override(zone or settings.TIME_ZONE),
    ):
        yield


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
