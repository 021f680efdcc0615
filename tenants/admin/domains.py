"""Hosts under which a tenant answers, from its page in the admin."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from controlplane.core.admin import actor_of
from controlplane.core.errors import DomainError
from tenants.domains import add_domain, remove_domain
from tenants.models import Tenant


class DomainForm(forms.Form):
    domain = forms.CharField(
        label=_("Domain"),
        max_length=253,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "portal.example.com"}),
        help_text=_("Its DNS leads here, and the server's ALLOWED_HOSTS names it."),
    )


def page(request: HttpRequest, tenant_id: uuid.UUID, context: dict[str, Any]) -> HttpResponseBase:
    tenant = get_object_or_404(Tenant, pk=tenant_id)
    removes = request.POST.get("remove", "")
    form = DomainForm(request.POST if request.method == "POST" and not removes else None)
    if removes and _removed(request, tenant, removes):
        return redirect(request.path)
    if form.is_valid():
        try:
            row = add_domain(
                tenant=tenant, domain=form.cleaned_data["domain"], by=actor_of(request)
            )
        except DomainError as error:
            form.add_error("domain", error.detail)
        else:
            said = _("%(tenant)s answers at %(domain)s too.")
            messages.success(request, said % {"tenant": tenant, "domain": row.domain})
            return redirect(request.path)
    page = {
        **context,
        "title": _("Domains of %(tenant)s") % {"tenant": tenant},
        "tenant": tenant,
        "domains": tenant.domains.order_by("-is_primary", "domain"),
        "form": form,
    }
    return TemplateResponse(
        request, "tenants/admin/domains.html", page, status=422 if form.errors else 200
    )


def _removed(request: HttpRequest, tenant: Tenant, domain: str) -> bool:
    names = {"tenant": tenant, "domain": domain}
    try:
        if remove_domain(tenant=tenant, domain=domain, by=actor_of(request)):
            messages.success(request, _("%(domain)s was removed.") % names)
        else:
            messages.info(request, _("%(tenant)s has no domain %(domain)s.") % names)
    except DomainError as error:
        messages.error(request, error.detail)
    return True
