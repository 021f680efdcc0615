"""The member's own settings. Memberships are shared rows, so this page stays outside the tenant."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from controlplane.portal.forms.profile import ProfileForm
from tenants.access import member_of


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    tenant = request.tenant
    person = cast(User, request.user)  # login_required saw to it
    member = member_of(person, tenant, session=request.session)
    if member is None:
        raise PermissionDenied(f"{request.user} has no role in {tenant}.")
    request.member = member
    with translation.override(member.language or tenant.language):
        form = ProfileForm(request.POST or None, instance=member, tenant=tenant)
        is_saved = request.method == "POST" and form.is_valid()
    if is_saved:
        form.save()
    with (
        translation.override(member.language or tenant.language),
        timezone.override(member.time_zone or tenant.time_zone),
    ):
        if is_saved:
            messages.success(request, _("Your settings are saved."))
            return redirect("profile")
        context = {"section": "profile", "form": form, "now": timezone.now()}
        status = 422 if form.errors else 200
        return render(request, "portal/profile.html", context, status=status)
