"""A version of a partner's rules: what it says, what it turns over where, and its next step."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.core.errors import DomainError
from controlplane.core.forms import tell
from controlplane.policies import services
from controlplane.policies.models import LayerVersion
from controlplane.portal.doors import member_page, of_shared_rows
from controlplane.portal.forms.partner_rules import PublishForm
from controlplane.portal.forms.policies import NoteForm, ScheduleForm, SimulateForm
from controlplane.portal.views.partner_rules import SECTION, SEE, WRITE, found
from tenants.members import actor_of
from tenants.models import Member
from tenants.partner_seats import permitted
from tenants.permissions import PartnerPermission

APPROVE = PartnerPermission.APPROVE_RULES
OPEN = {"review", "approved"}


@require_GET
@member_page
@of_shared_rows
def detail(request: HttpRequest, policy_id: uuid.UUID, number: int) -> HttpResponse:
    policy, seat = found(request, policy_id, SEE)
    return version_page(request, services.get_layer_version(policy, number), seat)


def step(
    form_class: type[NoteForm],
    take: Callable[[LayerVersion, Any, Any], object],
    permission: PartnerPermission = WRITE,
) -> Callable[..., Any]:
    """A page that takes one step with the note that was written, or says what is against it."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @member_page
    @of_shared_rows
    def page(request: HttpRequest, policy_id: uuid.UUID, number: int) -> HttpResponse:
        policy, seat = found(request, policy_id, permission)
        version = services.get_layer_version(policy, number)
        if request.method != "POST":
            return redirect("partner_rules:version", policy_id, number)
        form = form_class(request.POST)
        if form.is_valid():
            try:
                done = take(version, form.cleaned_data, actor_of(request.member))
            except DomainError as error:
                tell(form, error)
            else:
                messages.success(request, _("Done."))
                shown = done if isinstance(done, LayerVersion) else version
                return redirect("partner_rules:version", policy_id, shown.number)
        return version_page(request, version, seat, form=form)

    return page


def _published(version: LayerVersion, given: Any, by: Any) -> LayerVersion:
    return services.publish_layer_version(version=version, **given, by=by)


def _approved(version: LayerVersion, given: Any, by: Any) -> None:
    services.approve_layer(version=version, note=given["note"], by=by)


def _withdrawn(version: LayerVersion, given: Any, by: Any) -> None:
    services.withdraw_layer(version=version, note=given["note"], by=by)


def _retired(version: LayerVersion, given: Any, by: Any) -> None:
    services.retire_layer(version=version, note=given["note"], by=by)


def _rolled_back(version: LayerVersion, given: Any, by: Any) -> LayerVersion:
    return services.roll_back_layer(
        policy=version.policy, number=version.number, note=given["note"], by=by
    )


def _scheduled(version: LayerVersion, given: Any, by: Any) -> object:
    return services.schedule_layer_version(
        version=version, at=given["at"], note=given["note"], by=by
    )


publish = step(PublishForm, _published)
approve = step(NoteForm, _approved, APPROVE)
withdraw = step(NoteForm, _withdrawn)
retire = step(NoteForm, _retired)
roll_back = step(NoteForm, _rolled_back)
schedule = step(ScheduleForm, _scheduled)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@of_shared_rows
def unschedule(request: HttpRequest, policy_id: uuid.UUID, number: int) -> HttpResponse:
    policy, _seat = found(request, policy_id, WRITE)
    version = services.get_layer_version(policy, number)
    if request.method == "POST":
        services.cancel_layer_schedule(version=version, by=actor_of(request.member))
    return redirect("partner_rules:version", policy_id, number)


def version_page(
    request: HttpRequest,
    version: LayerVersion,
    seat: Member,
    *,
    form: NoteForm | None = None,
    simulate_form: SimulateForm | None = None,
) -> HttpResponse:
    """With a form that was sent, what was typed and what is wrong with it."""
    policy, by = version.policy, actor_of(request.member)
    is_open = version.status in OPEN
    run, shares = services.shares_of_last_run(version) if is_open else (None, [])
    others = services.others_who_may_approve(version, by=by) if is_open else []
    is_live = version.pk == policy.live_version
    context = {
        "section": SECTION,
        "policy": policy,
        "version": version,
        "is_open": is_open,
        "is_live": is_live,
        "may_roll_back": services.was_in_force(version) and not is_live,
        "steps": [{**each, "at": parse_datetime(each["at"])} for each in version.steps],
        "schedules": version.schedules.all(),
        "run": run,
        "shares": shares,
        "over": [share for share in shares if share.is_over],
        "others": others,
        "is_author": services.key_of(by) in services.authors_of(version),
        "needs_approval": services.layers_need_approval(),
        "form": PublishForm() if form is None or isinstance(form, ScheduleForm) else form,
        "schedule_form": form if isinstance(form, ScheduleForm) else ScheduleForm(),
        "simulate_form": simulate_form or SimulateForm(initial={"days": services.LAYER_DAYS}),
        "may_partner": permitted(seat),
    }
    is_wrong = simulate_form is not None or (form is not None and form.errors)
    code = 422 if is_wrong else 200
    return TemplateResponse(request, "portal/partner_rules/version.html", context, status=code)
