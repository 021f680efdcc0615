"""The inbox: what waits for a person, what it is about, and the answer."""

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.approvals import services
from controlplane.approvals.models import Approval, Waiter
from controlplane.approvals.queries import waiting_for
from controlplane.invoices.models import Invoice
from controlplane.orders.models import Order
from controlplane.portal import lists
from controlplane.portal.approval_page import rules_of, votes_left
from controlplane.portal.doors import member_page
from controlplane.portal.forms.approvals import AttachmentForm, CommentForm, DecisionForm
from controlplane.portal.invoices.page import shown_for_approval
from controlplane.portal.reasons import told
from controlplane.portal.trials import tests_among
from controlplane.portal.views.orders import shown_order
from controlplane.portal.views.tickets import shown_draft
from tenants.members import actor_of
from tenants.permissions import Permission

EVERY, MINE, ENDED = "all", "mine", "ended"
TABS = [
    (MINE, gettext_lazy("For me")),
    (Approval.Status.PENDING, Approval.Status.PENDING.label),
    (ENDED, gettext_lazy("Ended")),
    (Approval.Status.APPROVED, Approval.Status.APPROVED.label),
    (Approval.Status.REJECTED, Approval.Status.REJECTED.label),
    (Approval.Status.EXPIRED, Approval.Status.EXPIRED.label),
    (Approval.Status.CANCELLED, Approval.Status.CANCELLED.label),
    (EVERY, gettext_lazy("All")),
]


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    status = lists.chosen(
        request, "status", [value for value, _label in TABS], default=Approval.Status.PENDING
    )
    rows = _rows(request, status)
    shown = lists.listing(
        request,
        rows,
        search_in=["title", "summary", "note", "decided_by", "comment"],
        sorts={
            "title": "title",
            "amount": "amount",
            "requested": "requested_at",
            "expires": "expires_at",
            "decided": "decided_at",
        },
        default_sort="-requested",
    )
    if lists.was_seen(request, shown):
        return HttpResponse(status=204)
    subjects = [row.subject_id for row in shown.page.object_list]
    about: dict[uuid.UUID, Order | Invoice] = {
        **Order.objects.in_bulk(subjects),
        **Invoice.objects.only("currency").in_bulk(subjects),
    }
    tests = tests_among(subjects)
    context = {
        "section": "approvals",
        "listing": shown,
        "rows": [
            (row, told(row.reasons[:1], about.get(row.subject_id)), row.subject_id in tests)
            for row in shown.page.object_list
        ],
        "list_id": "approvals",
        "status": status,
        "statuses": TABS,
        "is_polled": status in {MINE, Approval.Status.PENDING},
    }
    return lists.page_or_part(
        request, "portal/approvals/list.html", "portal/approvals/_table.html", context
    )


def _rows(request: HttpRequest, status: str) -> QuerySet[Approval]:
    if status == EVERY:
        return Approval.objects.all()
    if status == MINE:
        return Approval.objects.filter(pk__in=waiting_for(actor_of(request.member)))
    if status == ENDED:
        return Approval.objects.exclude(status=Approval.Status.PENDING)
    return Approval.objects.filter(status=status)


@require_GET
@member_page
def count(request: HttpRequest) -> HttpResponse:
    """The number beside “Approvals” in the navigation."""
    waiting = Approval.objects.pending().count()
    return TemplateResponse(request, "portal/approvals/_count.html", {"waiting": waiting})


@require_GET
@member_page
def detail(request: HttpRequest, approval_id: uuid.UUID) -> HttpResponse:
    approval = services.get_approval(approval_id)
    return TemplateResponse(
        request,
        "portal/approvals/detail.html",
        page_context(request, approval, form=DecisionForm()),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def decide(request: HttpRequest, approval_id: uuid.UUID) -> HttpResponse:
    approval = services.get_approval(approval_id)
    if request.method != "POST":  # a log-in came between, or a refused answer is loaded again
        return redirect("approvals:detail", approval_id)
    form = DecisionForm(request.POST)
    if not form.is_valid() and approval.is_pending:
        context = page_context(request, approval, form=form)
        return TemplateResponse(request, "portal/approvals/detail.html", context, status=422)
    if not form.is_valid():
        return _refusal(request, approval, why="ended")
    try:
        decided = services.decide(
            approval_id=approval_id, by=actor_of(request.member), **form.cleaned_data
        )
    except (services.NotADecider, services.AlreadyVoted):
        return _refusal(request, approval, why="role", form=form)
    except services.AlreadyEnded as error:
        return _refusal(request, error.approval, why="ended", form=form)
    except (services.ApprovalNotReady, services.ApprovalChanged) as error:
        context = page_context(request, services.get_approval(approval_id), form=form)
        context["is_changed"] = isinstance(error, services.ApprovalChanged)
        return TemplateResponse(request, "portal/approvals/detail.html", context, status=409)
    if decided.is_pending:
        left = votes_left(decided)
        said = ngettext(
            "Your vote counts. One more has to agree.",
            "Your vote counts. %(left)s more have to agree.",
            left,
        )
        messages.success(request, said % {"left": left})
    return redirect("approvals:detail", approval_id)


@require_GET
@member_page
def progress(request: HttpRequest, approval_id: uuid.UUID) -> HttpResponse:
    """Whether n8n has gone on; asked again until it has."""
    approval = services.get_approval(approval_id)
    return TemplateResponse(request, "portal/approvals/_progress.html", _progress(approval))


def _refusal(
    request: HttpRequest, approval: Approval, *, why: str, form: DecisionForm | None = None
) -> HttpResponse:
    """Who decided when, or who may. What was typed is shown, so that it is not lost."""
    context = {
        "section": "approvals",
        "approval": approval,
        "why": why,
        "comment": form.cleaned_data["comment"] if form else "",
        "is_own": approval.decided_by_id == actor_of(request.member).id,
        **(rules_of(approval, actor_of(request.member)) if why == "role" else {}),
    }
    status = 403 if why == "role" else 409
    return TemplateResponse(request, "portal/approvals/refused.html", context, status=status)


def page_context(
    request: HttpRequest, approval: Approval, *, form: DecisionForm, **more: Any
) -> dict[str, Any]:
    return {
        "section": "approvals",
        "form": form,
        "comment_form": CommentForm(),
        "attachment_form": AttachmentForm(),
        "comments": list(approval.comments.all()),
        "attachments": list(approval.attachments.all()),
        **rules_of(approval, actor_of(request.member)),
        "is_test": bool(tests_among([approval.subject_id])),
        **(_subject(approval) if request.member.grant.may(Permission.PAYLOAD) else {}),
        **_progress(approval),
        **more,
    }


def _subject(approval: Approval) -> dict[str, Any]:
    """What it is about and why it waits: customer data."""
    shown = shown_order(approval.subject_id if approval.subject_type == "order" else None)
    invoice = shown_for_approval(approval)
    return {
        "blocked": services.blocked_by(approval) if approval.is_pending else "",
        "reasons": told(approval.reasons, shown["order"] or invoice.get("invoice")),
        **shown,
        **invoice,
        **shown_draft(approval),
    }


def _progress(approval: Approval) -> dict[str, Any]:
    waiters = list(approval.waiters.order_by("created_at"))
    return {
        "approval": approval,
        "waiters": waiters,
        "is_polled": not approval.is_pending
        and any(waiter.status == Waiter.Status.WAITING for waiter in waiters),
    }
