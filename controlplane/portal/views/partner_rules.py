"""A partner's rules for the customers that it serves: the list, and the draft that is worked on."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from controlplane.core.errors import DomainError
from controlplane.policies import services
from controlplane.policies.models import LayerPolicy
from controlplane.portal import lists
from controlplane.portal.doors import member_page, of_shared_rows
from controlplane.portal.drafts import DraftEditor, checked
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.partner_rules import PartnerPolicyForm
from controlplane.portal.forms.policies import NoteForm, SimulateForm
from tenants.members import actor_of
from tenants.models import Member
from tenants.partner_seats import partners_with, permitted, seat_in, seats_with
from tenants.permissions import PartnerPermission

SHOWN_RUNS = 10
SECTION = "partner_rules"
SEE, WRITE = PartnerPermission.SEE_RULES, PartnerPermission.WRITE_RULES


@require_GET
@member_page
@of_shared_rows
def index(request: HttpRequest) -> HttpResponse:
    owners = partners_with(request, SEE)
    shown = lists.listing(
        request,
        LayerPolicy.objects.filter(partner__in=owners).select_related("partner"),
        search_in=["title", "slug", "context", "partner__name"],
        sorts={
            "title": "title",
            "context": "context",
            "partner": "partner__name",
            "changed": "updated_at",
        },
        default_sort="title",
    )
    rows = list(shown.page.object_list)
    live = services.live_layer_numbers(rows)
    context = {
        "section": SECTION,
        "listing": shown,
        "list_id": "partner-rules",
        "rows": [(policy, live.get(policy.pk)) for policy in rows],
        "owners": owners,
        "may_write": bool(seats_with(request, WRITE)),
    }
    return lists.page_or_part(
        request, "portal/partner_rules/list.html", "portal/partner_rules/_table.html", context
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@of_shared_rows
def create(request: HttpRequest) -> HttpResponse:
    owners = partners_with(request, WRITE)
    if not owners:
        raise PermissionDenied(_("Only managers of a partner write rules for its customers."))
    form = PartnerPolicyForm(request.POST or None, owners=owners)
    if request.method == "POST" and form.is_valid():
        try:
            policy = services.create_partner_layer(**form.given, by=actor_of(request.member))
        except DomainError as error:
            mark(form, error)
        else:
            return redirect("partner_rules:draft", policy.pk)
    context = {"section": SECTION, "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/partner_rules/create.html", context, status=status)


@require_GET
@member_page
@of_shared_rows
def detail(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    policy, seat = found(request, policy_id, SEE)
    return detail_page(request, policy, seat)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@of_shared_rows
def draft(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    policy, _seat = found(request, policy_id, WRITE)
    check_url = reverse("partner_rules:check", args=[policy.pk])
    editor = DraftEditor(request, policy, check_url=check_url)
    if editor.is_sound:
        services.save_layer_draft(policy=policy, **editor.kept, by=actor_of(request.member))
        messages.success(request, _("The draft was saved. It binds nobody before it is published."))
        return redirect("partner_rules:detail", policy.pk)
    context = {
        "section": SECTION,
        "policy": policy,
        "back_url": reverse("partner_rules:detail", args=[policy.pk]),
        **editor.shown,
    }
    status = 422 if editor.failed else 200
    return TemplateResponse(request, "portal/policies/draft.html", context, status=status)


@require_POST
@member_page
@of_shared_rows
def check(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    """What is wrong with the rule that is being typed, or what it costs."""
    policy, _seat = found(request, policy_id, WRITE)
    context = checked(request, policy.context)
    return TemplateResponse(request, "portal/policies/_check.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@of_shared_rows
def submit(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    policy, seat = found(request, policy_id, WRITE)
    if request.method != "POST":
        return redirect("partner_rules:detail", policy.pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            version = services.submit_layer(
                policy=policy, **form.cleaned_data, by=actor_of(request.member)
            )
        except DomainError as error:
            form.add_error(None, error.detail)
        else:
            return redirect("partner_rules:version", policy.pk, version.number)
    return detail_page(request, policy, seat, submit_form=form)


def found(
    request: HttpRequest, policy_id: uuid.UUID, permission: PartnerPermission
) -> tuple[LayerPolicy, Member]:
    """The rules, and the seat by which the person may do this. Raises PolicyUnknown,
    PermissionDenied.
    """
    policy = services.get_layer_policy(policy_id, owners=partners_with(request, SEE))
    return policy, seat_in(request, policy.partner, permission)


def detail_page(
    request: HttpRequest,
    policy: LayerPolicy,
    seat: Member,
    *,
    submit_form: NoteForm | None = None,
    simulate_form: SimulateForm | None = None,
) -> HttpResponse:
    """With a form that was sent, what was typed and what is wrong with it."""
    rules, examples = services.layer_draft(policy)
    context: dict[str, Any] = {
        "section": SECTION,
        "policy": policy,
        "live": services.live_layer_version(policy),
        "versions": policy.versions.order_by("-number"),
        "runs": policy.simulations.select_related("version")[:SHOWN_RUNS],
        "tenants": services.tenants_bound_by(policy).count(),
        "draft_differs": services.layer_differs_from_live(policy),
        "draft_counts": (len(rules), len(examples)),
        "submit_form": submit_form or NoteForm(),
        "simulate_form": simulate_form or SimulateForm(initial={"days": services.LAYER_DAYS}),
        "may_partner": permitted(seat),
    }
    status = 422 if submit_form or simulate_form else 200
    return TemplateResponse(request, "portal/partner_rules/detail.html", context, status=status)
