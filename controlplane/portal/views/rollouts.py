"""A partner's rollouts: a release on its way to the customers whose automation the partner runs."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.catalog.models import Rollout
from controlplane.catalog.rollouts import asking
from controlplane.catalog.rollouts.telling import steps_of, told
from controlplane.core.errors import DomainError
from controlplane.portal import lists
from controlplane.portal.doors import member_page, of_shared_rows
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.rollouts import RolloutForm
from tenants.members import actor_of
from tenants.partner_seats import partners_with, permitted, seat_in, seats_with
from tenants.permissions import PartnerPermission

SECTION = "rollouts"
SEE, ROLL_OUT = PartnerPermission.SEE_ROLLOUTS, PartnerPermission.ROLL_OUT


@require_GET
@member_page
@of_shared_rows
def index(request: HttpRequest) -> HttpResponse:
    owners = partners_with(request, SEE)
    shown = lists.listing(
        request,
        Rollout.objects.filter(partner__in=owners).select_related("release__template", "partner"),
        search_in=["template__title", "template__slug", "release__version", "note"],
        sorts={"template": "template__title", "status": "status", "begun": "created_at"},
        default_sort="-begun",
    )
    context = {
        "section": SECTION,
        "listing": shown,
        "list_id": "rollouts",
        "owners": owners,
        "may_begin": bool(seats_with(request, ROLL_OUT)),
    }
    return lists.page_or_part(
        request, "portal/rollouts/list.html", "portal/rollouts/_table.html", context
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@of_shared_rows
def begin(request: HttpRequest) -> HttpResponse:
    owners = partners_with(request, ROLL_OUT)
    if not owners:
        raise PermissionDenied(_("Only managers of a partner roll out to its customers."))
    form = RolloutForm(request.POST or None, owners=owners)
    if request.method == "POST" and form.is_valid():
        try:
            rollout = asking.begin(**form.given, by=actor_of(request.member))
        except DomainError as error:
            mark(form, error)
        else:
            return redirect("rollouts:detail", rollout.pk)
    context = {"section": SECTION, "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/rollouts/begin.html", context, status=status)


@require_GET
@member_page
@of_shared_rows
def detail(request: HttpRequest, rollout_id: uuid.UUID) -> HttpResponse:
    rollout = _rollout(request, rollout_id)
    shown = lists.listing(
        request,
        rollout.places.select_related("tenant").prefetch_related("tenant__domains"),
        search_in=["tenant__name", "tenant__slug", "status", "error"],
        sorts={"name": "tenant__name", "ring": "ring", "status": "status"},
        default_sort="ring",
    )
    if lists.is_partial(request) and lists.was_seen(request, shown):
        return HttpResponse(status=204)
    context = {**_shown(request, rollout), "listing": shown, "list_id": "places"}
    return lists.page_or_part(
        request, "portal/rollouts/detail.html", "portal/rollouts/_places.html", context
    )


@require_GET
@member_page
@of_shared_rows
def state(request: HttpRequest, rollout_id: uuid.UUID) -> HttpResponse:
    """Polled while it is under way. The whole page is asked for once other steps are offered: their
    form stands outside, so that nobody loses what they type.
    """
    rollout = _rollout(request, rollout_id)
    response = TemplateResponse(request, "portal/rollouts/_state.html", _shown(request, rollout))
    if request.GET.get("offers") != _offers(rollout) or not rollout.is_under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@of_shared_rows
def step(request: HttpRequest, rollout_id: uuid.UUID) -> HttpResponse:
    rollout = _rollout(request, rollout_id)
    seat_in(request, rollout.partner, ROLL_OUT)
    take = asking.STEPS.get(request.POST.get("step", ""))
    if request.method == "POST" and take is not None:
        why = request.POST.get("why", "")[:500]
        try:
            take(rollout_id=rollout.pk, why=why, by=actor_of(request.member))
        except DomainError as error:
            messages.error(request, error.detail)
    return redirect("rollouts:detail", rollout.pk)


def _rollout(request: HttpRequest, rollout_id: uuid.UUID) -> Rollout:
    return asking.get_rollout(rollout_id, owners=partners_with(request, SEE))


def _offers(rollout: Rollout) -> str:
    """The first of the steps that its page offers; empty where there are none."""
    match rollout.status:
        case Rollout.Status.RETURNING | Rollout.Status.RETURNED:
            return ""
        case Rollout.Status.PAUSED:
            return "resume"
    return "pause" if rollout.is_under_way else "take_back"


def _shown(request: HttpRequest, rollout: Rollout) -> dict[str, Any]:
    return {
        "section": SECTION,
        "rollout": rollout,
        "rings": told(rollout.pk),
        "steps": steps_of(rollout),
        "offers": _offers(rollout),
        "may_partner": permitted(seat_in(request, rollout.partner, SEE)),
    }
