"""From a request to its tenant: the host says whose pages these are, the door who may enter."""

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.request import split_domain_port
from django.template.response import TemplateResponse
from django.urls import reverse, set_script_prefix
from django.utils import timezone, translation

from controlplane.core import problems
from controlplane.core.admin import actor_of as admin_actor_of
from controlplane.core.errors import DomainError
from controlplane.core.withholding import noting_payload, withholding_payload
from tenants import lookup, support_access
from tenants.access import member_of
from tenants.context import inside
from tenants.doors import OPEN_DOORS, Door, door_of, key_shown
from tenants.environments.marks import HEADER, assert_environment
from tenants.keys import actor_of_key
from tenants.limits import admission
from tenants.limits.refusal import LimitReached
from tenants.members import actor_of
from tenants.models import Member, Tenant
from tenants.payload_access import note_fetched, note_opened
from tenants.permissions import Permission
from tenants.security import factors, watch

TENANT_ADMIN = re.compile(r"^/t/(?P<slug>[a-z0-9-]+)(?P<rest>/admin/.*)$")
# Admin pages that read users or sessions, which no tenant's role may.
ACCOUNT_PAGES = {"login", "logout", "password_change", "password_change_done"}

GetResponse = Callable[[HttpRequest], HttpResponse]


class NotAMember(DomainError):
    code = "not_a_member"
    status = 403
    title = "You are not a member here"


class NotAuthenticated(DomainError):
    code = "not_authenticated"
    status = 401
    title = "No one is logged in"


class HostMiddleware:
    """Finds the tenant of the host, and the tenant of `/t/<slug>/admin/` on the platform's host.

    Stands outside CommonMiddleware, which redirects by the URL configuration that is set here.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.tenant = request.member = request.api_key = None
        request.in_tenant_admin = False
        # Whatever charset a client names: with one such as zlib Django fails on every query.
        request.encoding = "utf-8"
        host = split_domain_port(request.get_host())[0]
        try:
            if host not in {settings.PLATFORM_HOST, "127.0.0.1"}:
                request.tenant = lookup.tenant_by_host(host)
                request.urlconf = settings.TENANT_URLCONF
            elif found := TENANT_ADMIN.match(request.path_info):
                request.tenant = lookup.tenant_by_slug(found["slug"])
                request.in_tenant_admin = True
                # As if mounted there: reverse() then stays within this tenant's admin.
                request.path_info = found["rest"]
                set_script_prefix(f"/t/{found['slug']}/")
        except lookup.TenantUnknown as error:
            return problems.respond(error)
        response = self.get_response(request)
        # A door may have found it since: by the key, or by the path.
        if request.tenant is not None:
            response.headers[HEADER] = request.tenant.environment
        return response


class TenantMiddleware:
    """Enters the tenant around the view, innermost: authenticated before, left after."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.in_tenant_admin:
            return self._tenant_admin(request, view, args, kwargs)
        door = door_of(view)
        if door is Door.SHARED:
            return None
        claim = _claim(door, request, kwargs)
        try:
            admission.assert_not_just_refused(claim)
            tenant = _tenant_behind(door, request, kwargs)
        except LimitReached as error:
            return _limited(request, door, error)
        except DomainError as error:
            if door is Door.MEMBER and isinstance(error, NotAuthenticated):
                return redirect_to_login(request.get_full_path())
            if door is Door.MEMBER and isinstance(error, factors.FactorMissing):
                return HttpResponseRedirect(factors.SET_UP)
            if door is Door.MEMBER:
                raise PermissionDenied(error.detail) from error
            return problems.respond(error)
        withheld = request.member is not None and not request.member.grant.may(Permission.PAYLOAD)
        try:
            with (
                admission.admitted(tenant, claim, is_open=door in OPEN_DOORS),
                inside(tenant),
                _as_read_by(request.member, tenant),
                withholding_payload(withheld),
                noting_payload() as seen,
            ):
                response = _rendered(view(request, *args, **kwargs))
                _note_looking(request, response, seen)
                return response
        except LimitReached as error:
            return _limited(request, door, error)

    def _tenant_admin(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse:
        found = request.resolver_match
        # Of what begins with admin/, only the admin stands here, and without its shortcut to a
        # page of a row, which asks for the row's content type.
        if found.namespace != "admin" or found.url_name == "view_on_site":
            raise Http404
        if not _stands_in_tenants(found.route):
            raise Http404
        if str(found.url_name) in ACCOUNT_PAGES:
            return HttpResponseRedirect(f"/admin/{found.url_name}/")
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), "/admin/login/")
        if not request.user.is_superuser:
            raise Http404
        request.support_entry = support_access.open_entry(request.user, request.tenant)
        if request.support_entry is None:
            ask = f"/admin/tenants/tenant/{request.tenant.pk}/enter/"
            return redirect_to_login(request.get_full_path(), ask)
        if found.view_name == "admin:index":
            # Its "recent actions" read the shared admin log.
            return HttpResponseRedirect(reverse(settings.TENANT_ADMIN_HOME))
        # The admin asks for content types, which the tenant's role may not read: ask before.
        ContentType.objects.get_for_models(*_admin_models(), for_concrete_models=False)
        with inside(request.tenant), noting_payload() as seen:
            response = _rendered(view(request, *args, **kwargs))
            note_opened(request, response, seen, by=admin_actor_of(request))
            return response


def _note_looking(request: HttpRequest, response: HttpResponse, seen: set[str]) -> None:
    """Where the entry cannot be written this raises, and nothing is shown."""
    if request.member is not None:
        note_opened(request, response, seen, by=actor_of(request.member))
    elif request.api_key is not None:
        note_fetched(request, response, seen, by=actor_of_key(request.api_key))


def _tenant_behind(door: Door, request: HttpRequest, kwargs: dict[str, Any]) -> Tenant:
    """Raises TenantUnknown, KeyRefused, KeyOfOtherEnvironment, NotAuthenticated, NotAMember,
    SupportEnded or FactorMissing."""
    if door is Door.PATH:
        request.tenant = lookup.tenant_by_slug(kwargs["tenant"])
        return request.tenant
    if door is Door.HOST:
        if request.tenant is None:
            raise lookup.TenantUnknown("This address stands on a tenant's own host. Open it there.")
        # A session that came along is read now: no tenant's role may do so.
        _ = request.user.is_authenticated
        return request.tenant
    shown = key_shown(request)
    if door is not Door.MEMBER and shown is not None:
        request.api_key = watch.key_of(request, shown)
        assert_environment(request.headers.get(HEADER, ""), request.api_key.tenant)
        request.tenant = request.api_key.tenant
        return request.tenant
    if door is Door.KEY or request.tenant is None:
        raise NotAuthenticated(
            "This address needs an API key: send it as `Authorization: Bearer pgl_live_…`."
        )
    if not request.user.is_authenticated:
        raise NotAuthenticated("Log in to the portal first, or send an API key.")
    request.member = support_access.visitor(request) or member_of(
        request.user, request.tenant, session=request.session
    )
    if request.member is None:
        watch.note_stranger(request)
        raise NotAMember(
            f"{request.user} has no role in {request.tenant}. Ask your partner for an invitation."
        )
    request.member.user = request.user
    factors.require_where_asked(request)
    return request.tenant


def _claim(door: Door, request: HttpRequest, kwargs: dict[str, Any]) -> str:
    """What the request names its tenant by, before anybody has looked whether it may."""
    if door is Door.PATH:
        return f"path {kwargs['tenant']}"
    if door is Door.HOST:
        return f"host {request.get_host()}"
    # Not the host: whoever floods it must not have its members refused.
    shown = request.headers.get("Authorization") or request.COOKIES.get(
        settings.SESSION_COOKIE_NAME, ""
    )
    return admission.claim_by(request.META, shown)


def _limited(request: HttpRequest, door: Door, error: LimitReached) -> HttpResponse:
    """A page for people, a problem for machines. Outside of the tenant again."""
    if door in {Door.MEMBER, Door.HOST}:
        page = TemplateResponse(
            request,
            "429.html",
            {"error": error},
            status=error.status,
            headers=problems.headers_of(error),
        )
        return page.render()
    return problems.respond(error)


class _as_read_by:  # noqa: N801  (used as `with _as_read_by(member, tenant)`)
    """The member's language and time zone, for the length of one request."""

    def __init__(self, member: Member | None, tenant: Tenant) -> None:
        self.language = translation.override(
            (member and member.language) or tenant.language, deactivate=True
        )
        self.zone = timezone.override((member and member.time_zone) or tenant.time_zone)

    def __enter__(self) -> None:
        self.language.__enter__()
        self.zone.__enter__()

    def __exit__(self, *exc: Any) -> None:
        self.zone.__exit__(*exc)
        self.language.__exit__(*exc)


def _rendered(response: HttpResponse) -> HttpResponse:
    """A TemplateResponse is rendered here, while the tenant is still entered."""
    if hasattr(response, "render") and callable(response.render):
        return response.render()
    return response


def _stands_in_tenants(route: str) -> bool:
    """Whether the table behind an admin's address does; each page of its own asks the same."""
    from django.contrib import admin

    return all(
        getattr(found, "stands_in_tenant", False) is not False
        for model, found in admin.site._registry.items()
        if route.startswith(f"admin/{model._meta.app_label}/{model._meta.model_name}/")
    )


def _admin_models() -> list[type]:
    from django.contrib import admin

    return list(admin.site._registry)
