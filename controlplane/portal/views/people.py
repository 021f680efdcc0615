"""Who works here: the partners with what each owns, the tenant's members, a partner's customers.

These are shared rows, which no tenant's role may read.
"""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.portal import lists
from controlplane.portal.doors import member_page, of_shared_rows, requires
from controlplane.portal.forms.people import RoleForm
from tenants import membership
from tenants.members import actor_of
from tenants.models import Engagement, Member, Ownership, Tenant
from tenants.permissions import Permission


@require_GET
@member_page
@of_shared_rows
def partners(request: HttpRequest) -> HttpResponse:
    """Readable by everybody of the tenant: who is engaged, and who owns which part of the work."""
    engaged = (
        Engagement.objects.filter(tenant=request.tenant.customer_id)
        .select_related("partner")
        .prefetch_related("ownerships")
        .order_by("-is_lead", "created_at")
    )
    rows = [(each, {owned.area for owned in each.ownerships.all()}) for each in engaged]
    owned = set[str]().union(*(areas for _each, areas in rows))
    context = {
        "section": "partners",
        "rows": rows,
        "areas": Ownership.Area.choices,
        "nobodys": [label for area, label in Ownership.Area.choices if area not in owned],
    }
    return TemplateResponse(request, "portal/people/partners.html", context)


@require_GET
@member_page
@of_shared_rows
def members(request: HttpRequest) -> HttpResponse:
    return _members(request)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.MEMBERS)
@of_shared_rows
def change_role(request: HttpRequest, member_id: uuid.UUID) -> HttpResponse:
    member = membership.get_member(member_id, request.tenant)
    form = RoleForm(request.POST or None, prefix=str(member_id), initial={"role": member.role})
    if request.method != "POST":
        return redirect("members")
    if not form.is_valid():
        return _members(request, changing=(member, form))
    membership.change_role(
        member=member, role=form.cleaned_data["role"], by=actor_of(request.member)
    )
    said = _("%(name)s is %(role)s now.")
    messages.success(request, said % {"name": member.user, "role": form.chosen_label})
    return redirect("members")


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.MEMBERS)
@of_shared_rows
def remove_member(request: HttpRequest, member_id: uuid.UUID) -> HttpResponse:
    member = membership.get_member(member_id, request.tenant)
    if request.POST.get("sure") == "yes":
        membership.remove_member(member=member, by=actor_of(request.member))
        said = _("%(name)s has no access any more.")
        messages.success(request, said % {"name": member.user})
    return redirect("members")


@require_GET
@member_page
@of_shared_rows
def customers(request: HttpRequest) -> HttpResponse:
    """For a partner's member: how the work stands in every tenant that the partners serve."""
    served = Tenant.objects.served_by(request.user).select_related("health")
    shown = lists.listing(
        request,
        served.prefetch_related("domains"),
        search_in=["name", "slug"],
        sorts={
            "name": "name",
            "status": "status",
            "active": "health__installations_active",
            "failed": "health__installations_failed",
            "waiting": "health__approvals_waiting",
            "activity": "health__last_event_at",
        },
        default_sort="name",
    )
    context = {"section": "customers", "listing": shown, "list_id": "customers"}
    return lists.page_or_part(
        request, "portal/people/customers.html", "portal/people/_customers.html", context
    )


def _members(
    request: HttpRequest, *, changing: tuple[Member, RoleForm] | None = None
) -> HttpResponse:
    shown = lists.listing(
        request,
        Member.objects.filter(tenant=request.tenant.customer_id).select_related("user"),
        search_in=["user__first_name", "user__last_name", "user__username", "user__email"],
        sorts={"name": "user__username", "role": "role", "since": "created_at"},
        default_sort="name",
    )
    context = {
        "section": "members",
        "listing": shown,
        "list_id": "members",
        "rows": [(member, _role_form(member, changing)) for member in shown.page.object_list],
    }
    if changing:
        return TemplateResponse(request, "portal/people/members.html", context, status=422)
    return lists.page_or_part(
        request, "portal/people/members.html", "portal/people/_members.html", context
    )


def _role_form(member: Member, changing: tuple[Member, RoleForm] | None) -> RoleForm:
    if changing and changing[0].pk == member.pk:
        return changing[1]
    return RoleForm(initial={"role": member.role}, prefix=str(member.pk))
