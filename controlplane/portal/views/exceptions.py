"""Exceptions: what went wrong, whose it is, by when, and what people do about it."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.catalog.models import Installation
from controlplane.core.errors import DomainError
from controlplane.events.exceptions import handling
from controlplane.events.models import ExceptionCase, Failure
from controlplane.portal import lists
from controlplane.portal.deliveries import execution_url
from controlplane.portal.doors import member_page, requires
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
    return _list(request, _bulk_form(request))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.EXCEPTIONS)
def bulk(request: HttpRequest) -> HttpResponse:
    """To those that are ticked, on the page or in the whole list. Its address has the list's query,
    so that afterwards the same page of the same list is there."""
    back = f"{reverse('exceptions:list')}?{request.GET.urlencode()}".removesuffix("?")
    if request.method != "POST":
        return redirect(back)
    form = _bulk_form(request)
    ticked = chosen_ids(request.POST, "exception")
    ids = _meant(request, ticked)
    if not ids:
        form.add_error(None, _("Tick those that it is about."))
    if not form.is_valid():
        return _list(request, form, ticked=ticked)
    try:
        outcomes = _do(request, form.cleaned_data, ids)
    except DomainError as error:
        mark(form, error)
        return _list(request, form, ticked=ticked)
    problems = [one for one in outcomes if one.problem]
    done = len(outcomes) - len(problems)
    if done:
        text = ngettext("Done with %d exception.", "Done with %d exceptions.", done)
        messages.success(request, text % done)
    for one in problems[:5]:
        messages.warning(request, f"{one.case}: {one.problem}")
    if len(problems) > 5:
        messages.warning(request, _("%d more could not be done.") % (len(problems) - 5))
    return redirect(back)


def _bulk_form(request: HttpRequest) -> BulkForm:
    may_edit = request.member.grant.may(Permission.PAYLOAD)
    return BulkForm(request.POST if request.method == "POST" else None, may_edit=may_edit)


def _meant(request: HttpRequest, ticked: list[uuid.UUID]) -> list[uuid.UUID]:
    """One more than may be done at once where more are meant: the service says so then."""
    which = request.POST.get("which")
    if which == "page":
        return chosen_ids(request.POST, "shown")
    if which != "match":
        return ticked
    found = _found(request).listing.page.paginator.object_list.unresolved()
    return list(found.values_list("pk", flat=True)[: handling.MOST_AT_ONCE + 1])


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


@dataclass(frozen=True)
class _Found:
    """The list as its address asks for it."""

    listing: lists.Listing
    tab: str
    kind: str
    area: str
    installation: str


def _found(request: HttpRequest) -> _Found:
    tab = lists.chosen(request, "status", list(TABS), default="open")
    kind = lists.chosen(request, "type", ["", *Failure.values], default="")
    area = lists.chosen(request, "area", ["", *Ownership.Area.values], default="")
    installation = request.GET.get("installation", "")
    rows = ExceptionCase.objects.filter(_tab_filters(request)[tab]).defer("body", "headers")
    rows = rows.filter(type=kind) if kind else rows
    rows = rows.filter(area=area) if area else rows
    if installation:
        chosen = _uuid(installation)
        rows = rows.filter(installation_id=chosen) if chosen else rows
        installation = str(chosen or "")
    shown = lists.listing(
        request,
        rows,
        search_in=["subject", "summary", "detail", "assignee", "execution_id", "workflow_id"],
        sorts={
            "opened": "opened_at",
            "due": "due_at",
            "type": "type",
            "subject": "subject",
            "owner": "assignee",
        },
        default_sort="due" if tab in {"open", "mine", "overdue"} else "-opened",
    )
    return _Found(shown, tab, kind, area, installation)


def _list(
    request: HttpRequest, form: BulkForm, *, ticked: list[uuid.UUID] | None = None
) -> HttpResponse:
    found = _found(request)
    by_type = dict(
        ExceptionCase.objects.unresolved().order_by().values_list("type").annotate(Count("pk"))
    )
    filters = _tab_filters(request)
    counts = ExceptionCase.objects.aggregate(
        **{name: Count("pk", filter=each) for name, each in filters.items()}
    )
    most = max(by_type.values(), default=1)
    rows = list(found.listing.page.object_list)
    owners, names = _owners(), _installations()
    form.count(
        on_page=sum(row.is_open for row in rows),
        that_match=_open_among(found),
    )
    context = {
        "section": "exceptions",
        "listing": found.listing,
        "rows": [(row, owners.get(row.area, ""), names.get(row.installation_id)) for row in rows],
        "list_id": "exceptions",
        "status": found.tab,
        "statuses": [(name, label, counts[name]) for name, label in TABS.items()],
        "kind": found.kind,
        "area": found.area,
        "installation": found.installation,
        "kinds": Failure.choices,
        "areas": Ownership.Area.choices,
        "installations": [(str(key), name) for key, name in names.items()],
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


def _open_among(found: _Found) -> int:
    """Of those that match. Of most tabs all are open, and counted already."""
    paginator = found.listing.page.paginator
    if found.tab != "all":
        return 0 if found.tab == "done" else paginator.count
    return int(paginator.object_list.unresolved().count())


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
        "owner": _owners().get(case.area, ""),
        "installation": (
            Installation.objects.filter(pk=case.installation_id).first()
            if case.installation_id
            else None
        ),
        **given,
    }
    return TemplateResponse(request, "portal/exceptions/detail.html", context, status=status)


def _owners() -> dict[str, str]:
    """By part of the work the partner that owns it here; nothing where nobody does."""
    tenant = current_tenant()
    with outside():
        found = Ownership.objects.filter(tenant=tenant.customer).select_related(
            "engagement__partner"
        )
        return {one.area: str(one.engagement.partner) for one in found}


def _installations() -> dict[uuid.UUID, str]:
    """Those whose exceptions there are, removed ones too, by name."""
    ids = ExceptionCase.objects.exclude(installation_id=None).values("installation_id")
    found = Installation.objects.filter(pk__in=ids).order_by("workflow_name", "template_title")
    return {one.pk: one.workflow_name or one.template_title for one in found}


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


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
