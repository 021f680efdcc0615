"""A version of a policy: what it says, where it stands, and its next step."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.core.errors import DomainError
from controlplane.core.forms import tell
from controlplane.policies import services
from controlplane.policies.models import PolicyVersion, PublishingTerms, Schedule
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.policies import NoteForm, ScheduleForm, SimulateForm
from tenants.members import actor_of
from tenants.permissions import Permission

OPEN = {"review", "approved"}


@require_GET
@member_page
def detail(request: HttpRequest, policy_id: uuid.UUID, number: int) -> HttpResponse:
    return version_page(request, _version(policy_id, number))


def step(
    form_class: type[NoteForm], take: Callable[[PolicyVersion, NoteForm, Any], object]
) -> Callable[..., Any]:
    """A page that takes one step with the note that was written, or says what is against it."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @member_page
    @requires(Permission.POLICIES)
    def page(request: HttpRequest, policy_id: uuid.UUID, number: int) -> HttpResponse:
        version = _version(policy_id, number)
        if request.method != "POST":
            return redirect("policies:version", policy_id, number)
        form = form_class(request.POST)
        if form.is_valid():
            try:
                done = take(version, form, actor_of(request.member))
            except DomainError as error:
                tell(form, error)
            else:
                messages.success(request, _("Done."))
                shown = done if isinstance(done, PolicyVersion) else version
                return redirect("policies:version", policy_id, shown.number)
        return version_page(request, version, form=form)

    return page


def _published(version: PolicyVersion, form: NoteForm, by: Any) -> PolicyVersion:
    return services.publish_version(version=version, note=form.cleaned_data["note"], by=by)


def _approved(version: PolicyVersion, form: NoteForm, by: Any) -> None:
    services.approve_version(version=version, note=form.cleaned_data["note"], by=by)


def _withdrawn(version: PolicyVersion, form: NoteForm, by: Any) -> None:
    services.withdraw_version(version=version, note=form.cleaned_data["note"], by=by)


def _rolled_back(version: PolicyVersion, form: NoteForm, by: Any) -> PolicyVersion:
    return services.roll_back(
        policy=version.policy, number=version.number, note=form.cleaned_data["note"], by=by
    )


def _scheduled(version: PolicyVersion, form: NoteForm, by: Any) -> Schedule:
    given = form.cleaned_data
    return services.schedule_version(version=version, at=given["at"], note=given["note"], by=by)


publish = step(NoteForm, _published)
approve = step(NoteForm, _approved)
withdraw = step(NoteForm, _withdrawn)
roll_back = step(NoteForm, _rolled_back)
schedule = step(ScheduleForm, _scheduled)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.POLICIES)
def unschedule(request: HttpRequest, policy_id: uuid.UUID, number: int) -> HttpResponse:
    version = _version(policy_id, number)
    if request.method == "POST":
        services.cancel_schedule(version=version, by=actor_of(request.member))
    return redirect("policies:version", policy_id, number)


def _version(policy_id: uuid.UUID, number: int) -> PolicyVersion:
    return services.get_version(services.get_policy(policy_id), number)


def version_page(
    request: HttpRequest,
    version: PolicyVersion,
    *,
    form: NoteForm | None = None,
    simulate_form: SimulateForm | None = None,
) -> HttpResponse:
    """With a form that was sent, what was typed and what is wrong with it."""
    status = version.current_status()
    terms = PublishingTerms.current()
    is_open = status in OPEN
    share = (
        services.flip_share(version)
        if is_open and request.member.grant.may(Permission.POLICIES)
        else None
    )
    was_published = version.steps.filter(status="published").exists()
    context = {
        "section": "policies",
        "policy": version.policy,
        "version": version,
        "status": status,
        "is_open": is_open,
        "may_roll_back": was_published and version.pk != version.policy.live_version,
        "steps": version.steps.all(),
        "schedules": version.schedules.all(),
        "share": share,
        "terms": terms,
        "is_over": bool(share and services.is_past_threshold(share)),
        "form": NoteForm() if form is None or isinstance(form, ScheduleForm) else form,
        "schedule_form": form if isinstance(form, ScheduleForm) else ScheduleForm(),
        "simulate_form": simulate_form or SimulateForm(initial={"days": terms.history_days}),
    }
    is_wrong = simulate_form is not None or (form is not None and form.errors)
    code = 422 if is_wrong else 200
    return TemplateResponse(request, "portal/policies/version.html", context, status=code)
