"""Policies: what is in force, from which layer, and the draft that people work on."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from controlplane.core.errors import DomainError
from controlplane.policies import layers, services
from controlplane.policies.contexts import get_context
from controlplane.policies.contexts_page import described
from controlplane.policies.models import Move, Policy, PolicyVersion, PublishingTerms, SimulationRun
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.drafts import DraftEditor, checked
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.policies import NoteForm, PolicyForm, SimulateForm, TermsForm
from tenants.members import actor_of
from tenants.permissions import Permission

SHOWN_RUNS = 10
MOVES: dict[str, str] = {
    Move.RETIRE: "policies:retire",
    Move.OFF: "policies:switch_off",
    Move.ON: "policies:switch_on",
}


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    return _list(request, TermsForm(initial=_terms()))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.POLICIES)
def create(request: HttpRequest) -> HttpResponse:
    form = PolicyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            policy = services.create_policy(**form.cleaned_data, by=actor_of(request.member))
        except DomainError as error:
            mark(form, error)
        else:
            return redirect("policies:draft", policy.pk)
    context = {"section": "policies", "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/policies/create.html", context, status=status)


@require_GET
@member_page
def detail(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    return detail_page(request, services.get_policy(policy_id))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.POLICIES)
def draft(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    policy = services.get_policy(policy_id)
    editor = DraftEditor(request, policy, check_url=reverse("policies:check", args=[policy.pk]))
    if editor.is_sound:
        services.save_draft(policy=policy, **editor.kept, by=actor_of(request.member))
        messages.success(
            request, _("The draft was saved. It does not count before it is published.")
        )
        return redirect("policies:detail", policy.pk)
    context = {
        "section": "policies",
        "policy": policy,
        "back_url": reverse("policies:detail", args=[policy.pk]),
        **editor.shown,
    }
    status = 422 if editor.failed else 200
    return TemplateResponse(request, "portal/policies/draft.html", context, status=status)


@require_POST
@member_page
@requires(Permission.POLICIES)
def check(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    """What is wrong with the rule that is being typed, or what it costs."""
    policy = services.get_policy(policy_id)
    context = checked(request, policy.context)
    return TemplateResponse(request, "portal/policies/_check.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.POLICIES)
def submit(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    policy = services.get_policy(policy_id)
    if request.method != "POST":
        return redirect("policies:detail", policy.pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            version = services.submit_version(
                policy=policy, **form.cleaned_data, by=actor_of(request.member)
            )
        except DomainError as error:
            form.add_error(None, error.detail)
        else:
            return redirect("policies:version", policy.pk, version.number)
    return detail_page(request, policy, submit_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.POLICIES)
def terms(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("policies:list")
    form = TermsForm(request.POST)
    if not form.is_valid():
        return _list(request, form)
    kept = services.set_terms(**form.cleaned_data, by=actor_of(request.member))
    if kept.wanted_percent is None:
        messages.success(request, _("The terms of publishing were changed."))
    else:
        messages.warning(
            request, _("The terms wait: they count once another person confirms them.")
        )
    return redirect("policies:list")


@require_GET
@member_page
def context_page(request: HttpRequest, name: str) -> HttpResponse:
    known = get_context(name)
    context = {
        "section": "policies",
        "context": known,
        "fields": described(known),
        "parameters": known.parameters.items(),
    }
    return TemplateResponse(request, "portal/policies/context.html", context)


@require_GET
@member_page
def context_fields(request: HttpRequest, name: str) -> HttpResponse:
    """For the script that completes names while a rule is typed."""
    return JsonResponse({"fields": described(get_context(name))})


def _list(request: HttpRequest, terms: TermsForm) -> HttpResponse:
    shown = lists.listing(
        request,
        Policy.objects.all(),
        search_in=["title", "slug", "context"],
        sorts={"title": "title", "context": "context", "changed": "updated_at"},
        default_sort="title",
    )
    rows = list(shown.page.object_list)
    live = services.live_numbers(rows)
    were = set(
        PolicyVersion.objects.published().filter(policy__in=rows).values_list("policy", flat=True)
    )
    context = {
        "section": "policies",
        "listing": shown,
        "list_id": "policies",
        "rows": [(policy, live.get(policy.pk), policy.pk in were) for policy in rows],
        "bound": layers.bound_here(),
        "terms": terms,
        "in_force": PublishingTerms.current(),
    }
    response = lists.page_or_part(
        request, "portal/policies/list.html", "portal/policies/_table.html", context
    )
    response.status_code = 422 if terms.errors else 200
    return response


def detail_page(
    request: HttpRequest,
    policy: Policy,
    *,
    submit_form: NoteForm | None = None,
    simulate_form: SimulateForm | None = None,
) -> HttpResponse:
    """With a form that was sent, what was typed and what is wrong with it."""
    live = policy.live()
    rules, examples = services.draft_of(policy)
    runs = SimulationRun.objects.filter(policy=policy).select_related("version")
    context = {
        "section": "policies",
        "policy": policy,
        "live": live,
        "listing": lists.listing(
            request,
            policy.versions.with_status(),
            search_in=["number", "published_by"],
            sorts={"number": "number", "status": "status", "handed": "published_at"},
            default_sort="-number",
            per_page=SHOWN_RUNS,
        ),
        "list_id": "versions-list",
        "runs": runs[:SHOWN_RUNS],
        "asked_url": reverse(MOVES[policy.asked_move], args=[policy.pk])
        if policy.asked_move
        else "",
        "draft_differs": services.differs_from_live(policy),
        "draft_counts": (len(rules), len(examples)),
        "submit_form": submit_form or NoteForm(),
        "simulate_form": simulate_form or SimulateForm(initial={"days": _terms()["history_days"]}),
    }
    status = 422 if submit_form or simulate_form else 200
    response = lists.page_or_part(
        request, "portal/policies/detail.html", "portal/policies/_versions.html", context
    )
    response.status_code = status
    return response


def _terms() -> dict[str, Any]:
    terms = PublishingTerms.current()
    return {"flip_percent": terms.flip_percent, "history_days": terms.history_days}
