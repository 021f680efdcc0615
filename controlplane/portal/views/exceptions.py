"""Exceptions: what went wrong, whose it is, by when, and what people do about it."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.core.errors import DomainError
from controlplane.events.exceptions import handling
from controlplane.events.models import ExceptionCase, Failure
from controlplane.portal import lists
from controlplane.portal.deliveries import execution_url
from controlplane.portal.doors import member_page, require, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.exceptions import (
    AssignForm,
    BodyForm,
    BulkForm,
    CommentForm,
    ResolveForm,
    chosen_ids,
)
from tenants.context import current_tenant, outside
from tenants.members import actor_of
from tenants.models import Member, Ownership
from tenants.permissions import Permission

Status = ExceptionCase.Status
TABS = {
    "open": gettext_lazy("Open"),
    "mine": gettext_lazy("Mine"),
    "overdue": gettext_lazy("Overdue"),
    "done": gettext_lazy("Resolved"),
    "all": gettext_lazy("All"),
}


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    return _list(request, BulkForm())


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.EXCEPTIONS)
def bulk(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("exceptions:list")
    form = BulkForm(request.POST)
    ids = chosen_ids(request.POST, "exception")
    if not ids:
        form.add_error(None, _("Tick those that it is about."))
    if not form.is_valid():
        return _list(request, form, ticked=ids)
    if form.cleaned_data["action"] == "edit":
        require(request, Permission.PAYLOAD)
    try:
        outcomes = _do(request, form.cleaned_data, ids)
    except DomainError as error:
        mark(form, error)
        return _list(request, form, ticked=ids)
    problems = [one for one in outcomes if one.problem]
    done = len(outcomes) - len(problems)
    if done:
        text = ngettext("Done with %d exception.", "Done with %d exceptions.", done)
        messages.success(request, text % done)
    for one in problems[:5]:
        messages.warning(request, f"{one.case}: {one.problem}")
    if len(problems) > 5:
        messages.warning(request, _("%d more could not be done.") % (len(problems) - 5))
    return redirect("exceptions:list")


@require_GET
@member_page
def detail(request: HttpRequest, exception_id: uuid.UUID) -> HttpResponse:
    return _page(request, handling.get_case(exception_id))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.EXCEPTIONS)
def comment(request: HttpRequest, exception_id: uuid.UUID) -> HttpResponse:
    def act(case: ExceptionCase, data: dict[str, Any]) -> None:
        handling.comment(case=case, text=data["text"], by=actor_of(request.member))

    return _acted(request, exception_id, "comment_form", CommentForm(request.POST or None), act)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.EXCEPTIONS)
def assign(request: HttpRequest, exception_id: uuid.UUID) -> HttpResponse:
    form = AssignForm(request.POST or None, people=_people())

    def act(case: ExceptionCase, data: dict[str, Any]) -> None:
        chosen = data["assignee"]
        handling.assign(
            case=case,
            assignee_id=chosen,
            assignee=form.people.get(chosen, ""),
            by=actor_of(request.member),
        )

    return _acted(request, exception_id, "assign_form", form, act)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.EXCEPTIONS)
def retry(request: HttpRequest, exception_id: uuid.UUID) -> HttpResponse:
    case = handling.get_case(exception_id)
    if request.method == "POST":
        try:
            handling.retry(case=case, by=actor_of(request.member))
        except DomainError as error:
            messages.error(request, error.detail)
        else:
            messages.success(request, _("It is on its way once more."))
    return redirect("exceptions:detail", exception_id)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.EXCEPTIONS)
@requires(Permission.PAYLOAD)
def edit(request: HttpRequest, exception_id: uuid.UUID) -> HttpResponse:
    def act(case: ExceptionCase, data: dict[str, Any]) -> None:
        handling.edit_and_retry(case=case, body=data["body"], by=actor_of(request.member))

    return _acted(request, exception_id, "body_form", BodyForm(request.POST or None), act)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.EXCEPTIONS)
def resolve(request: HttpRequest, exception_id: uuid.UUID) -> HttpResponse:
    def act(case: ExceptionCase, data: dict[str, Any]) -> None:
        handling.resolve(
            case=case,
            resolution=data["resolution"],
            text=data["text"],
            by=actor_of(request.member),
        )

    return _acted(request, exception_id, "resolve_form", ResolveForm(request.POST or None), act)


def _acted(
    request: HttpRequest,
    exception_id: uuid.UUID,
    name: str,
    form: Any,
    act: Callable[[ExceptionCase, dict[str, Any]], None],
) -> HttpResponse:
    """Done and back to the page; with what is wrong, the page with the form as it was typed."""
    case = handling.get_case(exception_id)
    if request.method != "POST":
        return redirect("exceptions:detail", exception_id)
    if form.is_valid():
        try:
            act(case, form.cleaned_data)
        except DomainError as error:
            form.add_error(None, error.detail)
        else:
            messages.success(request, _("Done."))
            return redirect("exceptions:detail", exception_id)
    return _page(request, case, status=422, **{name: form})


def _do(request: HttpRequest, data: dict[str, Any], ids: list[uuid.UUID]) -> list[handling.Outcome]:
    by, action = actor_of(request.member), data["action"]
    if action == "retry":
        return handling.retry_many(exception_ids=ids, by=by)
    if action == "assign":
        return handling.assign_many(exception_ids=ids, assignee_id=by.id, assignee=by.label, by=by)
    if action == "edit":
        return handling.edit_many_and_retry(
            exception_ids=ids, path=data["path"], value=data["value"], by=by
        )
    return handling.resolve_many(exception_ids=ids, resolution=action, by=by)


def _list(
    request: HttpRequest, form: BulkForm, *, ticked: list[uuid.UUID] | None = None
) -> HttpResponse:
    tab = lists.chosen(request, "status", list(TABS), default="open")
    kind = lists.chosen(request, "type", ["", *Failure.values], default="")
    area = lists.chosen(request, "area", ["", *Ownership.Area.values], default="")
    filters = _tab_filters(request)
    rows = ExceptionCase.objects.filter(filters[tab]).defer("body", "headers")
    by_type = dict(
        ExceptionCase.objects.unresolved().order_by().values_list("type").annotate(Count("pk"))
    )
    rows = rows.filter(type=kind) if kind else rows
    rows = rows.filter(area=area) if area else rows
    shown = lists.listing(
        request,
        rows,
        search_in=["subject", "summary", "detail", "assignee", "execution_id"],
        sorts={
            "opened": "opened_at",
            "due": "due_at",
            "type": "type",
            "subject": "subject",
            "owner": "assignee",
        },
        default_sort="due" if tab in {"open", "mine", "overdue"} else "-opened",
    )
    counts = ExceptionCase.objects.aggregate(
        **{name: Count("pk", filter=found) for name, found in filters.items()}
    )
    most = max(by_type.values(), default=1)
    context = {
        "section": "exceptions",
        "listing": shown,
        "list_id": "exceptions",
        "status": tab,
        "statuses": [(name, label, counts[name]) for name, label in TABS.items()],
        "kind": kind,
        "area": area,
        "kinds": Failure.choices,
        "areas": Ownership.Area.choices,
        "by_type": [
            (label, by_type[value], by_type[value] / most)
            for value, label in Failure.choices
            if value in by_type
        ],
        "form": form,
        "ticked": ticked or [],
    }
    answer = lists.page_or_part(
        request, "portal/exceptions/list.html", "portal/exceptions/_table.html", context
    )
    answer.status_code = 422 if form.errors else 200
    return answer


def _tab_filters(request: HttpRequest) -> dict[str, Q]:
    unresolved = ~Q(status=Status.RESOLVED)
    return {
        "open": unresolved,
        "mine": unresolved & Q(assignee_id=str(request.member.user_id)),
        "overdue": unresolved & Q(due_at__lt=timezone.now()),
        "done": Q(status=Status.RESOLVED),
        "all": Q(),
    }


def _page(
    request: HttpRequest, case: ExceptionCase, *, status: int = 200, **forms: Any
) -> HttpResponse:
    body = case.event.body if case.event else case.body
    given = {
        "comment_form": CommentForm(),
        "assign_form": AssignForm(people=_people(), initial={"assignee": case.assignee_id}),
        "resolve_form": ResolveForm(),
        "body_form": BodyForm(initial={"body": _indented(body)}),
    } | forms
    context = {
        "section": "exceptions",
        "case": case,
        "notes": case.notes.all(),
        "execution_url": execution_url(case.event) if case.event else "",
        "has_body": bool(body),
        "area_label": Ownership.Area(case.area).label,
        "owner": _owner_of(case.area),
        **given,
    }
    return TemplateResponse(request, "portal/exceptions/detail.html", context, status=status)


def _owner_of(area: str) -> str:
    """Which partner owns this part of the work here; empty where nobody does."""
    tenant = current_tenant()
    with outside():
        found = (
            Ownership.objects.filter(tenant=tenant.customer, area=area)
            .select_related("engagement__partner")
            .first()
        )
        return str(found.engagement.partner) if found else ""


def _people() -> list[tuple[str, str]]:
    """Who may be given an exception: the tenant's people and its partners'."""
    tenant = current_tenant()
    with outside():
        found = {
            str(member.user_id): member.user.get_full_name() or member.user.get_username()
            for member in Member.objects.of_tenant(tenant).select_related("user")
        }
    return sorted(found.items(), key=lambda item: item[1])


def _indented(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except (ValueError, TypeError):
        return str(body)
