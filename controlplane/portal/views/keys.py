"""API keys: issued, shown once, rotated, revoked. For managers; keys are shared rows."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.core import shown_once
from controlplane.core.errors import DomainError
from controlplane.portal import lists
from controlplane.portal.doors import member_page, partner_acted_for, require
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.keys import KeyForm, RotateForm
from tenants import keys as services
from tenants.context import outside
from tenants.members import actor_of
from tenants.models import ApiKey
from tenants.permissions import Permission


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    require(request, Permission.KEYS)
    with outside():
        shown = lists.listing(
            request,
            ApiKey.objects.filter(tenant=request.tenant).select_related("tenant"),
            search_in=["name", "prefix", "issued_by"],
            sorts={
                "name": "name",
                "issued": "created_at",
                "expires": "expires_at",
                "used": "last_used_at",
            },
            default_sort="-issued",
        )
        rows = list(shown.page.object_list)
    context = {"section": "keys", "listing": shown, "list_id": "keys", "rows": rows}
    return lists.page_or_part(request, "portal/keys/list.html", "portal/keys/_table.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def create(request: HttpRequest) -> HttpResponse:
    require(request, Permission.KEYS)
    partner = partner_acted_for(request, Permission.KEYS)
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            key, text = services.issue_key(
                tenant=request.tenant,
                **form.terms,
                partner_id=partner.pk if partner else None,
                by=actor_of(request.member),
            )
        except DomainError as error:
            mark(form, error)
        else:
            shown_once.keep(request, of=str(key.pk), secret=text)
            return redirect("keys:detail", key.pk)
    context = {"section": "keys", "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/keys/create.html", context, status=status)


@require_GET
@member_page
def detail(request: HttpRequest, key_id: uuid.UUID) -> HttpResponse:
    require(request, Permission.KEYS)
    return _detail(request, services.get_key(key_id, tenant=request.tenant), RotateForm())


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def rotate(request: HttpRequest, key_id: uuid.UUID) -> HttpResponse:
    require(request, Permission.KEYS)
    key = services.get_key(key_id, tenant=request.tenant)
    if request.method != "POST":
        return redirect("keys:detail", key_id)
    form = RotateForm(request.POST)
    if not form.is_valid():
        return _detail(request, key, form)
    new, text = services.rotate_key(key=key, overlap=form.overlap, by=actor_of(request.member))
    shown_once.keep(request, of=str(new.pk), secret=text)
    return redirect("keys:detail", new.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def revoke(request: HttpRequest, key_id: uuid.UUID) -> HttpResponse:
    require(request, Permission.KEYS)
    key = services.get_key(key_id, tenant=request.tenant)
    if request.method == "POST":
        services.revoke_key(key=key, by=actor_of(request.member))
        said = _("“%(name)s” was revoked. Calls with it are refused from now on.")
        messages.success(request, said % {"name": key.name})
    return redirect("keys:detail", key_id)


def _detail(request: HttpRequest, key: ApiKey, form: RotateForm) -> HttpResponse:
    context = {
        "section": "keys",
        "key": key,
        "form": form,
        "new_key": shown_once.take(request, of=str(key.pk)),
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/keys/detail.html", context, status=status)
