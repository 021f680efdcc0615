"""Routes and groups of approvers, for those who may change the tenant's settings."""

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.approvals import groups, routes
from controlplane.approvals.models import Group, Route
from controlplane.approvals.terms import TermsInvalid
from controlplane.core.errors import DomainError
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.approval_rules import (
    OUTCOMES,
    GroupForm,
    RouteForm,
    StepForm,
    route_initial,
    step_forms,
)
from controlplane.portal.forms.errors import mark
from tenants.members import actor_of
from tenants.permissions import Permission

OF_ROUTE = (
    "name", "subject_type", "reasons", "currency", "amount_from", "amount_below", "is_active",
)  # fmt: skip
OF_TERMS = ("order", "rejections", "expires_in_hours", "on_expiry", "remind_hours")


@require_GET
@member_page
@requires(Permission.SETTINGS)
def route_list(request: HttpRequest) -> HttpResponse:
    shown = lists.listing(
        request,
        Route.objects.all(),
        search_in=["name", "subject_type", "currency"],
        sorts={"name": "name", "kind": "subject_type", "amount": "amount_from"},
        default_sort="name",
    )
    places = {route.pk: place for place, route in enumerate(routes.in_order(), start=1)}
    context = {
        "section": "approvals",
        "listing": shown,
        "list_id": "routes",
        "rows": [(route, route.rules, places[route.pk]) for route in shown.page.object_list],
        "outcomes": dict(OUTCOMES),
    }
    return lists.page_or_part(
        request,
        "portal/approvals/routes/list.html",
        "portal/approvals/routes/_table.html",
        context,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def route_create(request: HttpRequest) -> HttpResponse:
    return _route_page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def route_edit(request: HttpRequest, route_id: uuid.UUID) -> HttpResponse:
    return _route_page(request, routes.get_route(route_id))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def route_delete(request: HttpRequest, route_id: uuid.UUID) -> HttpResponse:
    if request.method == "POST":
        route = routes.get_route(route_id)
        routes.delete_route(route=route, by=actor_of(request.member))
        messages.success(request, _("“%(name)s” was deleted.") % {"name": route.name})
    return redirect("approvals:routes")


@require_GET
@member_page
@requires(Permission.SETTINGS)
def group_list(request: HttpRequest) -> HttpResponse:
    shown = lists.listing(
        request,
        Group.objects.annotate(size=Count("members")),
        search_in=["name", "slug", "description"],
        sorts={"name": "name", "size": "size"},
        default_sort="name",
    )
    context = {"section": "approvals", "listing": shown, "list_id": "groups"}
    return lists.page_or_part(
        request,
        "portal/approvals/groups/list.html",
        "portal/approvals/groups/_table.html",
        context,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def group_create(request: HttpRequest) -> HttpResponse:
    return _group_page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def group_edit(request: HttpRequest, group_id: uuid.UUID) -> HttpResponse:
    return _group_page(request, groups.get_group(group_id))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SETTINGS)
def group_delete(request: HttpRequest, group_id: uuid.UUID) -> HttpResponse:
    if request.method == "POST":
        group = groups.get_group(group_id)
        try:
            groups.delete_group(group=group, by=actor_of(request.member))
        except groups.GroupInUse as error:
            messages.error(request, error.detail)
        else:
            messages.success(request, _("“%(name)s” was deleted.") % {"name": group.name})
    return redirect("approvals:groups")


def _route_page(request: HttpRequest, route: Route | None) -> HttpResponse:
    data = request.POST or None
    form = RouteForm(data, initial=route_initial(route) if route else {})
    steps = step_forms(data, route.rules if route else None)
    if request.method == "POST" and all([form.is_valid(), *(step.is_valid() for step in steps)]):
        try:
            kept = routes.save_route(
                route=route, by=actor_of(request.member), **_route_of(form, steps)
            )
        except (TermsInvalid, routes.RouteInvalid) as error:
            _mark(form, steps, error)
        else:
            messages.success(request, _("“%(name)s” was saved.") % {"name": kept.name})
            return redirect("approvals:routes")
    wrong = bool(form.errors) or any(step.errors for step in steps)
    context = {
        "section": "approvals",
        "form": form,
        "steps": [(n, step, n > 1 and not _has(step)) for n, step in enumerate(steps, start=1)],
        "route": route,
        "is_wrong": wrong,
    }
    return TemplateResponse(
        request, "portal/approvals/routes/edit.html", context, status=422 if wrong else 200
    )


def _route_of(form: RouteForm, steps: list[StepForm]) -> dict[str, Any]:
    given = form.cleaned_data
    terms = {name: given[name] for name in OF_TERMS}
    terms["steps"] = [step.terms for step in steps if step.is_used]
    return {**{name: given[name] for name in OF_ROUTE}, "terms": terms}


def _mark(form: RouteForm, steps: list[StepForm], error: DomainError) -> None:
    """`steps.1.quorum` belongs to the second step that is used."""
    used = [step for step in steps if step.is_used]
    for found in error.errors:
        first, _dot, rest = found.field.partition(".")
        number, _dot, name = rest.partition(".")
        if first == "steps" and number.isdigit() and int(number) < len(used):
            step, name = used[int(number)], name.partition(".")[0]
            step.add_error(name if name in step.fields else None, found.message)
        else:
            form.add_error(found.field if found.field in form.fields else None, found.message)


def _has(step: StepForm) -> bool:
    return bool(step["quorum"].value()) or bool(step.errors)


def _group_page(request: HttpRequest, group: Group | None) -> HttpResponse:
    initial = {}
    if group is not None:
        members = list(group.members.values_list("member_id", flat=True))
        initial = {"name": group.name, "description": group.description, "members": members}
    form = GroupForm(request.POST or None, group=group, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            kept = groups.save_group(
                group=group,
                slug=given.get("slug") or "",
                name=given["name"],
                description=given["description"],
                member_ids=given["members"],
                by=actor_of(request.member),
            )
        except groups.GroupInvalid as error:
            mark(form, error)
        else:
            messages.success(request, _("“%(name)s” was saved.") % {"name": kept.name})
            return redirect("approvals:groups")
    context = {"section": "approvals", "form": form, "group": group}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/approvals/groups/edit.html", context, status=status)
