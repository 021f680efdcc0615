"""Tickets: what customers asked, how it was sorted, what was answered and on whose word."""

import hashlib
import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from controlplane.approvals.models import Approval
from controlplane.core.errors import DomainError
from controlplane.events.models import Event
from controlplane.knowledge.answers.models import Answer
from controlplane.portal import lists
from controlplane.portal.answers import presented, shown_answer
from controlplane.portal.deliveries import execution_url, fate_of, with_deliveries
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.tickets import CorrectionForm, TicketForm
from controlplane.portal.marking import marked, spans_of_words
from controlplane.support import services
from controlplane.support.models import Ticket
from tenants.members import actor_of
from tenants.permissions import Permission

EVERY = "all"
RELOADED_FOR = timedelta(minutes=2)
Status = Ticket.Status
TABS = {
    EVERY: (gettext_lazy("All"), set(Status)),
    "new": (gettext_lazy("New"), {Status.NEW, Status.TRIAGED}),
    "waiting": (gettext_lazy("Draft waits"), {Status.WAITING}),
    "handed_over": (gettext_lazy("Handed over"), {Status.HANDED_OVER}),
    "answered": (gettext_lazy("Answered"), {Status.ANSWERED}),
}


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    tab = lists.chosen(request, "status", list(TABS), default=EVERY)
    shown = lists.listing(
        request,
        Ticket.objects.filter(status__in=TABS[tab][1]).defer("triage", "reply_text", "reason"),
        search_in=["number", "subject", "body", "requester_name", "requester_email", "intent"],
        sorts={
            "ticket": "serial",
            "intent": "intent",
            "status": "status",
            "received": "received_at",
        },
        default_sort="-received",
    )
    if lists.was_seen(request, shown):
        return HttpResponse(status=204)
    context = {
        "section": "tickets",
        "listing": shown,
        "list_id": "tickets",
        "status": tab,
        "statuses": _tabs(),
    }
    return lists.page_or_part(
        request, "portal/tickets/list.html", "portal/tickets/_table.html", context
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.HANDLE)
def create(request: HttpRequest) -> HttpResponse:
    form = TicketForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            received = services.receive_ticket(
                channel=Ticket.Channel.PORTAL, by=actor_of(request.member), **form.cleaned_data
            )
        except DomainError as error:
            mark(form, error)
        else:
            return redirect("tickets:detail", received.ticket.pk)
    context = {"section": "tickets", "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/tickets/create.html", context, status=status)


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def detail(request: HttpRequest, ticket_id: uuid.UUID) -> HttpResponse:
    ticket = services.get_ticket(ticket_id)
    return _page(request, ticket, form=CorrectionForm(ticket=ticket))


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def news(request: HttpRequest, ticket_id: uuid.UUID) -> HttpResponse:
    """Whether the ticket has moved on since the page was made.

    While it is quite new the page is loaded again by itself; later somebody may be typing.
    """
    ticket = services.get_ticket(ticket_id)
    if request.GET.get("seen") == _fingerprint(ticket):
        return HttpResponse(status=204)
    if timezone.now() - ticket.received_at < RELOADED_FOR:
        return HttpResponseClientRefresh()
    return TemplateResponse(request, "portal/tickets/_news.html", {"ticket": ticket})


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.HANDLE)
def correct(request: HttpRequest, ticket_id: uuid.UUID) -> HttpResponse:
    ticket = services.get_ticket(ticket_id)
    if request.method != "POST":
        return redirect("tickets:detail", ticket_id)
    form = CorrectionForm(request.POST, ticket=ticket)
    if form.is_valid():
        try:
            services.correct_triage(ticket=ticket, by=actor_of(request.member), **form.cleaned_data)
        except DomainError as error:
            mark(form, error)
        else:
            messages.success(request, _("Corrected. The next model learns from it."))
            return redirect("tickets:detail", ticket_id)
    return _page(request, ticket, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.HANDLE)
def send_again(request: HttpRequest, ticket_id: uuid.UUID) -> HttpResponse:
    ticket = services.get_ticket(ticket_id)
    if request.method == "POST":
        services.send_reply_again(ticket_id=ticket.pk, by=actor_of(request.member))
        messages.success(request, _("The reply is on its way once more."))
    return redirect("tickets:detail", ticket_id)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.HANDLE)
def close(request: HttpRequest, ticket_id: uuid.UUID) -> HttpResponse:
    ticket = services.get_ticket(ticket_id)
    if request.method == "POST":
        services.close_ticket(ticket_id=ticket.pk, by=actor_of(request.member))
        messages.success(request, _("The ticket is closed."))
    return redirect("tickets:detail", ticket_id)


def _page(request: HttpRequest, ticket: Ticket, *, form: CorrectionForm) -> HttpResponse:
    events = with_deliveries(Event.objects.all())
    event = events.filter(pk=ticket.event_id).first() if ticket.event_id else None
    context = {
        "section": "tickets",
        "form": form,
        "event": event,
        "fate": fate_of(event) if event else None,
        "execution_url": execution_url(event) if event else "",
        "approvals": Approval.objects.filter(
            subject_type=services.SUBJECT, subject_id=ticket.pk
        ).order_by("-requested_at"),
        "answer": shown_answer(ticket.pk, ticket.answer_id),
        "fingerprint": _fingerprint(ticket),
        "thresholds": [ticket.triage["threshold"]] if "threshold" in ticket.triage else [],
        **shown_ticket(ticket),
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/tickets/detail.html", context, status=status)


def shown_ticket(ticket: Ticket) -> dict[str, Any]:
    """For `_question.html`: the customer's words, those that decided its sorting marked."""
    words = _telling_words(ticket)
    return {
        "ticket": ticket,
        "words": words,
        "subject": marked(ticket.subject, spans_of_words(ticket.subject, words), css="mark-word"),
        "body": marked(ticket.body, spans_of_words(ticket.body, words), css="mark-word"),
    }


def shown_draft(approval: Approval) -> dict[str, Any]:
    """For an approval's page: the question, and the draft that was put to a person."""
    if approval.subject_type != services.SUBJECT:
        return {}
    ticket = Ticket.objects.filter(pk=approval.subject_id).first()
    if ticket is None:
        return {}
    answer_id = _uuid(approval.revision)
    answer = Answer.objects.filter(pk=answer_id).first() if answer_id else None
    return {"answer": presented(answer) if answer else None, **shown_ticket(ticket)}


def _fingerprint(ticket: Ticket) -> str:
    """Changes with what the page shows of it."""
    asked = Approval.objects.filter(subject_type=services.SUBJECT, subject_id=ticket.pk)
    parts = [
        ticket.updated_at,
        Answer.objects.about(services.SUBJECT, ticket.pk).count(),
        sorted(map(str, asked.values_list("updated_at", flat=True))),
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _telling_words(ticket: Ticket) -> list[str]:
    """The model weighs every word; “and” tells a reader nothing."""
    if ticket.corrected_at:
        return []
    words = [str(found["word"]) for found in ticket.triage.get("words", ())]
    telling = [word for word in words if max(map(len, word.split()), default=0) > 3]
    return telling or words


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _tabs() -> list[tuple[str, str, int]]:
    """Each with its number of tickets, by one query for all."""
    counts = dict(Ticket.objects.order_by().values_list("status").annotate(Count("pk")))
    return [
        (value, str(label), sum(counts.get(status, 0) for status in statuses))
        for value, (label, statuses) in TABS.items()
    ]
