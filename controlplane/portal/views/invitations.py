"""Inviting people, for managers; and coming by an invitation, which stands outside the tenant."""

import uuid
from typing import cast

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.core.errors import DomainError
from controlplane.portal import lists
from controlplane.portal.doors import in_language_of_tenant, member_page, partner_acted_for, require
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.invitations import InvitationForm, NewcomerForm
from controlplane.portal.identity.entrance import INVITED_BY
from controlplane.portal.identity.single_sign_on import offered_at
from tenants import invitations as services
from tenants.context import outside
from tenants.invitation_mail import InvitationNotSent, invite_again, invite_by_mail
from tenants.members import actor_of
from tenants.models import Invitation, Partner, SingleSignOn
from tenants.permissions import Permission


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    require(request, Permission.MEMBERS)
    with outside():
        shown = lists.listing(
            request,
            services.invitations_of(tenant=request.tenant, partner=_own_partner(request)),
            search_in=["email", "invited_by"],
            sorts={"email": "email", "sent": "created_at", "expires": "expires_at"},
            default_sort="-sent",
        )
        rows = list(shown.page.object_list)
    context = {"section": "members", "listing": shown, "list_id": "invitations", "rows": rows}
    return lists.page_or_part(
        request, "portal/invitations/list.html", "portal/invitations/_table.html", context
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def create(request: HttpRequest) -> HttpResponse:
    require(request, Permission.MEMBERS)
    form = InvitationForm(
        request.POST or None, tenant=request.tenant, partner=_own_partner(request)
    )
    if request.method == "POST" and form.is_valid():
        try:
            invitation = invite_by_mail(**form.terms, by=actor_of(request.member))
        except DomainError as error:
            mark(form, error)
        else:
            _say_sent(request, invitation)
            return redirect("invitations:list")
    context = {"section": "members", "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/invitations/create.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def revoke(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    require(request, Permission.MEMBERS)
    invitation = services.find_invitation(
        invitation_id, tenant=request.tenant, partner=_own_partner(request)
    )
    if request.method == "POST" and services.revoke_invitation(
        invitation=invitation, by=actor_of(request.member)
    ):
        said = _("The invitation of %(email)s was taken back.") % {"email": invitation.email}
        messages.success(request, said)
    return redirect("invitations:list")


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def again(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """The same to the same address, by a link that is good for seven days more."""
    require(request, Permission.MEMBERS)
    expired = services.find_invitation(
        invitation_id, tenant=request.tenant, partner=_own_partner(request)
    )
    if request.method == "POST":
        try:
            sent = invite_again(invitation=expired, at=request.tenant, by=actor_of(request.member))
        except InvitationNotSent as error:
            messages.error(request, error.detail)
        else:
            _say_sent(request, sent)
    return redirect("invitations:list")


def _say_sent(request: HttpRequest, invitation: Invitation) -> None:
    said = _("%(email)s is invited; the mail with the link is on its way.")
    messages.success(request, said % {"email": invitation.email})


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@in_language_of_tenant
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """By the mailed link: as who is logged in, or with a new account."""
    try:
        invitation = services.get_invitation(token, at=request.tenant)
        if request.user.is_authenticated:
            return _accept_as_known(request, invitation)
        request.session[INVITED_BY] = token
        return _accept_as_newcomer(request, invitation)
    except DomainError as error:
        return _page(request, "over", {"why": error.detail}, status=error.status)


def _accept_as_known(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    if request.method == "POST":
        person = cast(User, request.user)  # the caller saw that somebody is logged in
        services.accept_invitation(invitation=invitation, user=person)
        messages.success(request, _("Welcome. You have a role here now."))
        return redirect("/")
    is_theirs = request.user.email.lower() == invitation.email
    return _page(request, "known", {"invitation": invitation, "is_theirs": is_theirs})


def _accept_as_newcomer(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    context = {"invitation": invitation, "providers": offered_at(request.tenant)}
    if _logs_in_elsewhere(invitation):
        return _page(request, "log_in", {**context, "by_sign_on_only": True})
    if User.objects.filter(email__iexact=invitation.email).exists():
        return _page(request, "log_in", context)
    form = NewcomerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        user = services.accept_as_newcomer(invitation=invitation, **given)
        record_authentication(request, user, method="invitation")
        return perform_login(request, Login(user=user, redirect_url="/"))
    status = 422 if form.errors else 200
    return _page(request, "newcomer", {**context, "form": form}, status=status)


def _logs_in_elsewhere(invitation: Invitation) -> bool:
    """Whether the partner wants its people to come by its own sign-on alone."""
    return SingleSignOn.objects.filter(
        partner=invitation.partner_id, is_active=True, is_required=True
    ).exists()


def _own_partner(request: HttpRequest) -> Partner | None:
    """Of a partner's manager; a tenant's own may not invite to the partner."""
    return partner_acted_for(request, Permission.MEMBERS)


def _page(
    request: HttpRequest, name: str, context: dict[str, object], *, status: int = 200
) -> HttpResponse:
    template = f"accounts/invitation/{name}.html"
    return TemplateResponse(request, template, context, status=status)
