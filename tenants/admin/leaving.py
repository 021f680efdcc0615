"""A tenant's way out and back, from its page in the admin."""

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from controlplane.core.admin import actor_of
from controlplane.core.errors import DomainError
from tenants.leaving import announce_leaving, return_tenant
from tenants.models import Departure, Tenant


class LeaveForm(forms.Form):
    """Why, and the short name once more, so that nobody closes the wrong one."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=5,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text=_("It stands in the certificate of what was removed."),
    )
    slug = forms.CharField(label=_("Its short name"), widget=UnfoldAdminTextInputWidget())

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        self.fields["slug"].help_text = _("Type “%(slug)s”.") % {"slug": tenant.slug}

    def clean_slug(self) -> str:
        if (slug := self.cleaned_data["slug"].strip()) != self.tenant.slug:
            raise forms.ValidationError(_("This is not the short name of %s.") % self.tenant)
        return str(slug)


def page(request: HttpRequest, tenant_id: uuid.UUID, context: dict[str, Any]) -> HttpResponseBase:
    """Ask for it, or see how far it is and take it back."""
    tenant = get_object_or_404(Tenant, pk=tenant_id)
    departure = Departure.objects.open().filter(tenant_id=tenant.pk).first()
    form = LeaveForm(request.POST if request.method == "POST" else None, tenant=tenant)
    if request.method == "POST" and departure is not None:
        return _back(request, tenant)
    if request.method == "POST" and form.is_valid():
        try:
            announce_leaving(
                tenant=tenant, by=actor_of(request), reason=form.cleaned_data["reason"]
            )
        except DomainError as error:
            form.add_error(None, error.detail)
        else:
            said = _("%(tenant)s answers no more; its archive is being written.")
            messages.success(request, said % {"tenant": tenant})
            return redirect(request.path)
    page = {
        **context,
        "title": _("%(tenant)s leaves") % {"tenant": tenant},
        "tenant": tenant,
        "departure": departure,
        "form": form,
        "grace_days": settings.LEAVING_GRACE_DAYS,
    }
    status = 422 if form.errors and departure is None else 200
    return TemplateResponse(request, "tenants/admin/leave.html", page, status=status)


def _back_as(tenant: Tenant) -> str:
    tenant.refresh_from_db()
    if tenant.status == Tenant.Status.SUSPENDED:
        return _("%(tenant)s is back, and suspended as it was before.") % {"tenant": tenant}
    return _("%(tenant)s is active again.") % {"tenant": tenant}


def _back(request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
    try:
        return_tenant(tenant=tenant, by=actor_of(request))
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect(request.path)
    messages.success(request, _back_as(tenant))
    return redirect("admin:tenants_tenant_change", tenant.pk)
