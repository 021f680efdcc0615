"""Inviting the first people of a tenant or of a partner, from its page in the admin."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from controlplane.core.admin import actor_of
from controlplane.core.errors import DomainError
from controlplane.core.forms import tell
from tenants.invitation_mail import door_of_partner, invite_by_mail
from tenants.invitations import revoke_invitation
from tenants.models import Invitation, Member, Partner, Tenant


class InviteForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), max_length=254, widget=UnfoldAdminEmailInputWidget
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=Member.Role.choices,
        initial=Member.Role.MANAGER,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("Viewers look, approvers decide, managers also set up and invite."),
    )


def to_tenant(
    request: HttpRequest, tenant_id: uuid.UUID, context: dict[str, Any]
) -> HttpResponseBase:
    tenant = get_object_or_404(Tenant, pk=tenant_id)
    if tenant.is_sandbox:
        # Whoever is invited there comes into the sandbox too.
        return redirect("admin:tenants_tenant_invite", tenant.customer_id)
    return _page(request, tenant, context)


def to_partner(
    request: HttpRequest, partner_id: uuid.UUID, context: dict[str, Any]
) -> HttpResponseBase:
    return _page(request, get_object_or_404(Partner, pk=partner_id), context)


def _page(
    request: HttpRequest, place: Tenant | Partner, context: dict[str, Any]
) -> HttpResponseBase:
    """The form, and the invitations that are open, each with the way to take it back."""
    is_sent = request.method == "POST"
    if is_sent and "revoke" in request.POST:
        _revoke(request, place)
        return redirect(request.path)
    form = InviteForm(request.POST if is_sent else None)
    if form.is_valid():
        try:
            invitation = _invite(request, place, form.cleaned_data)
        except DomainError as refused:
            tell(form, refused)
        else:
            said = _("%(email)s is invited; the mail with the link is on its way.")
            messages.success(request, said % {"email": invitation.email})
            return redirect(request.path)
    page = {
        **context,
        "title": _("Invite to %(place)s") % {"place": place},
        "place": place,
        "is_partner": isinstance(place, Partner),
        "invitations": _open(place).order_by("-created_at"),
        "form": form,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "tenants/admin/invite.html", page, status=status)


def _invite(request: HttpRequest, place: Tenant | Partner, given: dict[str, Any]) -> Invitation:
    by = actor_of(request)
    if isinstance(place, Partner):
        return invite_by_mail(**given, at=door_of_partner(place), partner=place, by=by)
    return invite_by_mail(**given, at=place, by=by)


def _open(place: Tenant | Partner) -> Any:
    of_place = {"partner" if isinstance(place, Partner) else "tenant": place}
    return Invitation.objects.open(at=timezone.now()).filter(**of_place)


def _revoke(request: HttpRequest, place: Tenant | Partner) -> None:
    try:
        wanted = uuid.UUID(request.POST["revoke"])
    except ValueError:
        return
    invitation = _open(place).filter(pk=wanted).first()
    if invitation is not None and revoke_invitation(invitation=invitation, by=actor_of(request)):
        said = _("The invitation of %(email)s was taken back.") % {"email": invitation.email}
        messages.success(request, said)
