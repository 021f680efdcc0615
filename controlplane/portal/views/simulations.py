"""Simulations: started here, watched while they run, and read as bars and a table."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.core.errors import DomainError
from controlplane.policies import services
from controlplane.policies.models import SimulationRun
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.flips import money_bars, verdict_bars
from controlplane.portal.forms.policies import SimulateForm
from controlplane.portal.things import about_one_called, named
from controlplane.portal.views.policies import detail_page
from controlplane.portal.views.policy_versions import version_page
from tenants.members import actor_of
from tenants.permissions import Permission


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.POLICIES)
def start(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    policy = services.get_policy(policy_id)
    if request.method != "POST":
        return redirect("policies:detail", policy.pk)
    number = request.POST.get("version", "")
    version = services.get_version(policy, int(number)) if number.isdecimal() else None
    form = SimulateForm(request.POST)
    if form.is_valid():
        try:
            run = services.start_simulation(
                policy=policy, version=version, **form.cleaned_data, by=actor_of(request.member)
            )
        except DomainError as error:
            form.add_error(None, error.detail)
        else:
            return redirect("policies:simulation", run.pk)
    if version is not None:
        return version_page(request, version, simulate_form=form)
    return detail_page(request, policy, simulate_form=form)


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def detail(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    run = services.get_run(run_id)
    shown = lists.listing(
        request,
        run.found.all(),
        search_in=["subject_type", "subject_id", "codes", "currency", "before", "after"],
        sorts={"decided": "decided_at", "before": "before", "after": "after", "amount": "minor"},
        default_sort="-decided",
        search_also=about_one_called,
    )
    rows = named(shown.page.object_list)
    context = {**_shown(run), "listing": shown, "rows": rows, "list_id": "flips"}
    return lists.page_or_part(
        request, "portal/policies/simulation.html", "portal/policies/_flips.html", context
    )


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def state(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Polled while it runs; once it is done the whole page is asked for."""
    run = services.get_run(run_id)
    response = TemplateResponse(request, "portal/policies/_state.html", _shown(run))
    if not run.is_under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.POLICIES)
def cancel(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    run = services.get_run(run_id)
    if request.method == "POST":
        services.cancel_simulation(run=run, by=actor_of(request.member))
    return redirect("policies:simulation", run.pk)


def _shown(run: SimulationRun) -> dict[str, Any]:
    return {
        "section": "policies",
        "run": run,
        # Of rules from above there is nothing to start here.
        "again_days": str((run.created_at - run.since).days) if run.policy_id else "",
        "verdicts": verdict_bars(run.counts),
        "money": money_bars(run.money or {}),
    }
