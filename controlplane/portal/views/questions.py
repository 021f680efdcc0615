"""Trying the knowledge out: a question without a ticket, its answer, and what was found for it."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.catalog.services import only_listener
from controlplane.core.errors import DomainError
from controlplane.knowledge.answers import services
from controlplane.knowledge.answers.models import Answer
from controlplane.knowledge.answers.subjects import Question
from controlplane.knowledge.contexts import PARAMETERS
from controlplane.portal.answers import address_of, presented, thresholds_in
from controlplane.portal.doors import member_page, require, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.knowledge import QuestionForm
from tenants.members import actor_of
from tenants.permissions import Permission

PASSAGES_SHOWN = 10
# A question is judged as if it were a ticket.
ASKED_BY = "ticket.received"
_DEFAULTS = {name: parameter.default for name, parameter in PARAMETERS.items()}


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.PAYLOAD)
def ask(request: HttpRequest) -> HttpResponse:
    """Each answer is kept with what led to it, so asking is for those who may decide."""
    form = QuestionForm()
    if request.method == "POST":
        require(request, Permission.HANDLE)
        form = QuestionForm(request.POST)
        if form.is_valid():
            installation = only_listener(ASKED_BY)
            try:
                answer = services.answer_question(
                    question=Question(form.cleaned_data["question"]),
                    installation_id=installation.pk if installation else None,
                    by=actor_of(request.member),
                )
            except DomainError as error:
                mark(form, error)
            else:
                return redirect("knowledge:answer", answer.pk)
    context = {
        "section": "knowledge",
        "part": "try",
        "form": form,
        **_limits(),
        "asked": Answer.objects.filter(subject_type="").recent().defer("passages", "prompt")[:8],
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/knowledge/try.html", context, status=status)


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def answer(request: HttpRequest, answer_id: uuid.UUID) -> HttpResponse:
    found = services.get_answer(answer_id)
    if found.subject_type == "ticket":
        return redirect("tickets:detail", found.subject_id)
    shown, now = presented(found), _limits()
    context = {
        "section": "knowledge",
        "part": "try",
        "form": QuestionForm(initial={"question": found.question}),
        "answer": shown,
        "limits_of": _limits_of(shown.thresholds, now),
        **now,
        "passages": _passages(found),
        "more": max(0, len(found.passages) - PASSAGES_SHOWN),
    }
    return TemplateResponse(request, "portal/knowledge/answer.html", context)


def _limits() -> dict[str, Any]:
    """By what the next question is judged, and whose limits these are."""
    installation = only_listener(ASKED_BY)
    given = installation.parameters if installation else {}
    limits = thresholds_in({**_DEFAULTS, **given})
    return {"installation": installation, "draft_above": limits[0], "reply_above": limits[1]}


def _limits_of(used: list[float], now: dict[str, Any]) -> str:
    """Whose limits an answer was judged by, as far as they still stand."""
    if used == [now["draft_above"], now["reply_above"]]:
        return "installation" if now["installation"] else "default"
    return "default" if used == thresholds_in(_DEFAULTS) else "changed" if used else ""


def _passages(found: Answer) -> list[dict[str, Any]]:
    """As they ranked, with the address of each in its document."""
    return [
        {**passage, "address": address_of(passage, span=(passage["start"], passage["end"]))}
        for passage in found.passages[:PASSAGES_SHOWN]
    ]
