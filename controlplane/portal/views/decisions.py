"""Decisions: what was decided, by which rules, on what; and a person's other verdict."""

import json
import uuid
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.approvals.models import Approval
from controlplane.policies import services
from controlplane.policies.contexts import context_names, get_context
from controlplane.policies.messages import fill_message
from controlplane.policies.models import Decision
from controlplane.policies.models.policies import VERDICTS
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.policies import OverrideForm
from controlplane.portal.reasons import told
from controlplane.portal.things import about_one_called, named
from tenants.members import actor_of
from tenants.permissions import Permission

EVERY = "all"
DAYS = ("1", "7", "30")


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    status = lists.chosen(request, "status", [EVERY, *(v for v, _l in VERDICTS)], default=EVERY)
    days = lists.chosen(request, "days", [EVERY, *DAYS], default=EVERY)
    about = lists.chosen(request, "about", [EVERY, *context_names()], default=EVERY)
    rows = Decision.objects.said(
        context="" if about == EVERY else about, verdict="" if status == EVERY else status
    ).defer("input")
    if days != EVERY:
        rows = rows.filter(decided_at__gte=timezone.now() - timedelta(days=int(days)))
    shown = lists.listing(
        request,
        rows,
        search_in=["context", "subject_type", "subject_id", "reasons"],
        sorts={"decided": "decided_at", "context": "context", "verdict": "verdict"},
        default_sort="-decided",
        search_also=about_one_called,
    )
    context = {
        "section": "decisions",
        "listing": shown,
        "rows": named(shown.page.object_list),
        "list_id": "decisions",
        "status": status,
        "statuses": [(EVERY, _("All")), *VERDICTS],
        "days": days,
        "every": EVERY,
        "about": about,
        "about_choices": context_names(),
        "day_choices": [(each, int(each)) for each in DAYS],
    }
    return lists.page_or_part(
        request, "portal/decisions/list.html", "portal/decisions/_table.html", context
    )


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def detail(request: HttpRequest, decision_id: uuid.UUID) -> HttpResponse:
    return _page(request, services.get_decision(decision_id), OverrideForm())


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.DECIDE)
def override(request: HttpRequest, decision_id: uuid.UUID) -> HttpResponse:
    decision = services.get_decision(decision_id)
    if request.method != "POST":
        return redirect("decisions:detail", decision.pk)
    form = OverrideForm(request.POST)
    if not form.is_valid():
        return _page(request, decision, form)
    services.override_decision(
        decision_id=decision.pk, **form.cleaned_data, by=actor_of(request.member)
    )
    messages.success(request, _("The override was recorded. The decision stays as it was taken."))
    return redirect("decisions:detail", decision.pk)


def _page(request: HttpRequest, decision: Decision, form: OverrideForm) -> HttpResponse:
    ((_decision, thing),) = named([decision])
    known = get_context(decision.context)
    context = {
        "section": "decisions",
        "decision": decision,
        "thing": thing,
        "called": fill_message(known.title, decision.input)
        if known.title and decision.input
        else "",
        "approvals": Approval.objects.filter(subject_id__in=[decision.pk, decision.subject_id]),
        "reasons": told(decision.reasons, None),
        "entries": decision.entries.all(),
        "rule_sets": services.rule_sets_named(decision),
        "input": json.dumps(decision.input, ensure_ascii=False, indent=2)
        if decision.input is not None
        else "",
        "form": form,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/decisions/detail.html", context, status=status)
