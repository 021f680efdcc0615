"""How far the provisioning of a tenant has come, step by step, on a page that follows it."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from controlplane.core.admin import actor_of
from tenants.models import ProvisioningStep, Tenant
from tenants.provisioning import enqueue_provisioning

QUIET = timedelta(minutes=2)
"""After this long without a sign the worker may be down, and the page says so."""


@dataclass(frozen=True)
class Progress:
    steps: list[ProvisioningStep]
    answers: bool
    """From when its schema stands; further steps may be left, or fail."""
    is_ready: bool
    has_failed: bool
    is_quiet: bool

    @property
    def is_over(self) -> bool:
        """Whether the page need not look again by itself."""
        return self.is_ready or self.has_failed


def steps_of(tenant: Tenant) -> list[ProvisioningStep]:
    """In the order in which they are done."""
    return list(tenant.provisioning_steps.all())


def progress_of(tenant: Tenant) -> Progress:
    steps = steps_of(tenant)
    signs = [at for step in steps for at in (step.started_at, step.finished_at) if at]
    answers = tenant.status != Tenant.Status.PROVISIONING
    return Progress(
        steps=steps,
        answers=answers,
        is_ready=answers and all(step.status == ProvisioningStep.Status.DONE for step in steps),
        has_failed=any(step.status == ProvisioningStep.Status.FAILED for step in steps),
        is_quiet=timezone.now() - max([tenant.created_at, *signs]) > QUIET,
    )


def page(request: HttpRequest, tenant_id: uuid.UUID, context: dict[str, Any]) -> HttpResponseBase:
    tenant = get_object_or_404(Tenant, pk=tenant_id)
    if request.method == "POST":
        enqueue_provisioning(tenant, by=actor_of(request))
        messages.info(request, _("Provisioning goes on where it stopped."))
        return redirect(request.path)
    title = _("Setting up %(tenant)s") % {"tenant": tenant}
    shown = {**context, "title": title, **_shown(tenant)}
    return TemplateResponse(request, "tenants/admin/progress.html", shown)


def state(request: HttpRequest, tenant_id: uuid.UUID) -> HttpResponse:
    """The part of the page that changes; a small script asks for it."""
    tenant = get_object_or_404(Tenant, pk=tenant_id)
    return TemplateResponse(request, "tenants/admin/_progress.html", _shown(tenant))


def _shown(tenant: Tenant) -> dict[str, Any]:
    return {"tenant": tenant, "progress": progress_of(tenant)}
