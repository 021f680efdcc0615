"""Who stands in for whom: one's own, and for managers everybody's."""

import uuid

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.approvals import delegations
from controlplane.approvals.electorate import Electorate, assert_takes_part
from controlplane.approvals.models import Delegation
from controlplane.portal import lists
from controlplane.portal.doors import member_page
from controlplane.portal.forms.approval_rules import DelegationForm
from controlplane.portal.forms.errors import mark
from tenants.members import actor_of
from tenants.permissions import Permission


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    by = actor_of(request.member)
    own = by.id
    rows = Delegation.objects.all()
    if not request.member.grant.may(Permission.SETTINGS):
        rows = rows.filter(Q(principal_id=own) | Q(delegate_id=own))
    shown = lists.listing(
        request,
        rows,
        search_in=["principal_label", "delegate_label", "reason"],
        sorts={
            "for": "principal_label",
            "to": "delegate_label",
            "starts": "starts_at",
            "ends": "ends_at",
        },
        default_sort="-ends",
    )
    context = {
        "section": "approvals",
        "listing": shown,
        "list_id": "delegations",
        "own": own,
        "takes_part": Electorate.now(only={own}).takes_part(by),
    }
    return lists.page_or_part(
        request,
        "portal/approvals/delegations/list.html",
        "portal/approvals/delegations/_table.html",
        context,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def create(request: HttpRequest) -> HttpResponse:
    by = actor_of(request.member)
    assert_takes_part(by)
    form = DelegationForm(request.POST or None, but=by.id)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = delegations.delegate(to=given["to"], reason=given["reason"], by=by, **form.times)
        except delegations.DelegationInvalid as error:
            mark(form, error)
        else:
            said = _("%(name)s stands in for you in that time.")
            messages.success(request, said % {"name": made.delegate_label})
            return redirect("approvals:delegations")
    context = {"section": "approvals", "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(
        request, "portal/approvals/delegations/create.html", context, status=status
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def revoke(request: HttpRequest, delegation_id: uuid.UUID) -> HttpResponse:
    if request.method == "POST":
        ended = delegations.revoke_delegation(
            delegation_id=delegation_id,
            by=actor_of(request.member),
            may_all=request.member.grant.may(Permission.SETTINGS),
        )
        said = _("%(name)s does not stand in any more.")
        messages.success(request, said % {"name": ended.delegate_label})
    return redirect("approvals:delegations")
