"""Connections to outside systems: set up, tried, changed and removed."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.connections import services
from controlplane.connections.kinds import KindUnknown, kind_named, offered
from controlplane.connections.models import Connection
from controlplane.core.errors import DomainError
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.connections import ConnectionForm
from controlplane.portal.forms.errors import mark
from tenants.members import actor_of
from tenants.permissions import Permission


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    shown = lists.listing(
        request,
        Connection.objects.defer("secrets"),
        search_in=["name", "base_url", "kind"],
        sorts={
            "name": "name",
            "kind": "kind",
            "status": "status",
            "used": "last_used_at",
            "checked": "last_checked_at",
        },
        default_sort="name",
    )
    context = {
        "section": "connections",
        "listing": shown,
        "list_id": "connections",
        "rows": list(shown.page.object_list),
    }
    return lists.page_or_part(
        request, "portal/connections/list.html", "portal/connections/_table.html", context
    )


@require_GET
@member_page
@requires(Permission.CONNECTIONS)
def choose(request: HttpRequest) -> HttpResponse:
    context = {"section": "connections", "kinds": offered()}
    return TemplateResponse(request, "portal/connections/choose.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.CONNECTIONS)
def create(request: HttpRequest, kind: str) -> HttpResponse:
    try:
        chosen = kind_named(kind)
    except KindUnknown:
        return redirect("connections:choose")
    form = ConnectionForm(request.POST or None, kind=chosen)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_connection(kind=kind, **form.given, by=actor_of(request.member))
        except DomainError as error:
            mark(form, error)
        else:
            return _tried(request, made)
    return _form(request, form, {"kind": chosen})


@require_GET
@member_page
def detail(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    found = services.get_connection(connection_id)
    return _detail(request, found)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.CONNECTIONS)
def edit(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    found = services.get_connection(connection_id)
    kind = kind_named(found.kind)
    form = ConnectionForm(request.POST or None, kind=kind, connection=found)
    if request.method == "POST" and form.is_valid():
        try:
            changed = services.change_connection(
                connection=found, **form.given, by=actor_of(request.member)
            )
        except DomainError as error:
            mark(form, error)
        else:
            return _tried(request, changed)
    return _form(request, form, {"kind": kind, "connection": found})


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.CONNECTIONS)
def check(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    found = services.get_connection(connection_id)
    if request.method != "POST":
        return redirect("connections:detail", connection_id)
    return _tried(request, found)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.CONNECTIONS)
def remove(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    found = services.get_connection(connection_id)
    if request.method != "POST" or request.POST.get("sure") != "yes":
        return redirect("connections:detail", connection_id)
    try:
        services.remove_connection(connection=found, by=actor_of(request.member))
    except services.ConnectionInUse as error:
        return _detail(request, found, refused=error.detail)
    messages.success(request, _("“%(name)s” was removed, and its secrets with it.")
                     % {"name": found.name})  # fmt: skip
    return redirect("connections:list")


def _tried(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Asked at once, so that whoever set it up sees whether it works."""
    found = services.check_connection(connection=connection, by=actor_of(request.member))
    if found.status == Connection.Status.OK:
        messages.success(request, _("“%(name)s” answers.") % {"name": found.name})
    else:
        messages.error(
            request, _("“%(name)s” does not work yet. See what is wrong below.")
            % {"name": found.name}
        )  # fmt: skip
    return redirect("connections:detail", found.pk)


def _form(request: HttpRequest, form: ConnectionForm, more: dict[str, Any]) -> HttpResponse:
    context = {"section": "connections", "form": form, **more}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/connections/form.html", context, status=status)


def _detail(request: HttpRequest, connection: Connection, *, refused: str = "") -> HttpResponse:
    kind = kind_named(connection.kind)
    context = {
        "section": "connections",
        "connection": connection,
        "kind": kind,
        "facts": [
            (one.label, dict(one.choices).get(connection.options[one.name],
                                              connection.options[one.name]))
            for one in kind.plain_fields
            if connection.options.get(one.name)
        ],
        "refused": refused,
    }  # fmt: skip
    status = 409 if refused else 200
    return TemplateResponse(request, "portal/connections/detail.html", context, status=status)
