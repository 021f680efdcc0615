"""A partner's rules tried on its customers' history: watched while it runs, read tenant by tenant.

Money is shown of those tenants in which the partner owns a part that needs customer data; of the
others only counts.
"""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.core.errors import DomainError
from controlplane.policies import services
from controlplane.policies.models import LayerSimulation
from controlplane.portal import lists
from controlplane.portal.doors import member_page, of_shared_rows
from controlplane.portal.flips import Trial, trial_of
from controlplane.portal.forms.policies import SimulateForm
from controlplane.portal.views.partner_rule_versions import version_page
from controlplane.portal.views.partner_rules import SECTION, SEE, WRITE, detail_page, found
from tenants.access import tenants_opened
from tenants.members import actor_of
from tenants.partner_seats import partners_with, permitted, seat_in
from tenants.permissions import Permission

MOST_ENTERED = 200
"""Of so many tenants the money is added up; of more, only that of the page."""


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@of_shared_rows
def start(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    policy, seat = found(request, policy_id, WRITE)
    if request.method != "POST":
        return redirect("partner_rules:detail", policy.pk)
    number = request.POST.get("version", "")
    version = services.get_layer_version(policy, int(number)) if number.isdecimal() else None
    form = SimulateForm(request.POST)
    if form.is_valid():
        try:
            run = services.start_layer_simulation(
                policy=policy, version=version, **form.cleaned_data, by=actor_of(request.member)
            )
        except DomainError as error:
            form.add_error(None, error.detail)
        else:
            return redirect("partner_rules:simulation", run.pk)
    if version is not None:
        return version_page(request, version, seat, simulate_form=form)
    return detail_page(request, policy, seat, simulate_form=form)


@require_GET
@member_page
@of_shared_rows
def detail(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    run = _run(request, run_id)
    shown = lists.listing(
        request,
        run.parts.select_related("tenant").prefetch_related("tenant__domains"),
        search_in=["tenant__name", "tenant__slug"],
        sorts={
            "name": "tenant__name",
            "status": "status",
            "judged": "done",
            "flips": "flips",
            "approvals": "approvals",
        },
        default_sort="-flips",
    )
    context = {**_shown(request, run), "listing": shown, "list_id": "parts"}
    rows = list(shown.page.object_list)
    context["rows"] = [
        (part, context["trial"].money_of(part.tenant_id), part.tenant_id in context["opened"])
        for part in rows
    ]
    return lists.page_or_part(
        request, "portal/partner_rules/simulation.html", "portal/partner_rules/_parts.html", context
    )


@require_GET
@member_page
@of_shared_rows
def state(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Polled while it runs; once it is done the whole page is asked for."""
    run = _run(request, run_id)
    context = _shown(request, run)
    response = TemplateResponse(request, "portal/partner_rules/_state.html", context)
    if not run.is_under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@of_shared_rows
def cancel(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    run = _run(request, run_id)
    seat_in(request, run.policy.partner, WRITE)
    if request.method == "POST":
        services.cancel_layer_simulation(run=run, by=actor_of(request.member))
    return redirect("partner_rules:simulation", run.pk)


def _run(request: HttpRequest, run_id: uuid.UUID) -> LayerSimulation:
    return services.get_layer_simulation(run_id, owners=partners_with(request, SEE))


def _shown(request: HttpRequest, run: LayerSimulation) -> dict[str, Any]:
    seat = seat_in(request, run.policy.partner, SEE)
    parts = list(run.parts.select_related("tenant").order_by("tenant__name"))
    opened = tenants_opened(Permission.PAYLOAD, seat, [part.tenant_id for part in parts])
    entered = [part.tenant for part in parts if part.tenant_id in opened and part.flips]
    money = services.money_in(run, entered[:MOST_ENTERED], by=actor_of(request.member))
    trial: Trial = trial_of(parts, money)
    return {
        "section": SECTION,
        "run": run,
        "policy": run.policy,
        "trial": trial,
        "opened": opened,
        "all_opened": len(opened) == len(parts) and len(entered) <= MOST_ENTERED,
        "may_partner": permitted(seat),
    }
