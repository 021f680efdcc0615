"""What is installed in the tenant's n8n: how it stands, what it did lately, its parameters."""

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from controlplane.catalog import schedules, services
from controlplane.catalog.choices import choices_of
from controlplane.catalog.links import editor_url
from controlplane.catalog.manifest import ParameterSpec
from controlplane.catalog.models import Installation, Release, ReleaseUnknown
from controlplane.catalog.parameters import ParametersInvalid
from controlplane.catalog.runs import last_runs
from controlplane.catalog.trying.sandbox import start_dry_run
from controlplane.catalog.upgrades.drift import drift_of
from controlplane.catalog.upgrades.planning import newest_release, news_since
from controlplane.core.errors import DomainError
from controlplane.core.money import Money
from controlplane.events.pauses import held, pause_of
from controlplane.portal import lists
from controlplane.portal.doors import member_page, require, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.parameters import PREFIX, ParameterForm
from controlplane.portal.pictures import picture
from controlplane.portal.templatetags.portal import country, localized, percent
from tenants.members import actor_of
from tenants.permissions import Permission

UNFINISHED = {Installation.Status.PENDING, Installation.Status.DEPLOYING}


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    shown = lists.listing(
        request,
        Installation.objects.present(),
        search_in=["template_title", "workflow_name", "installed_by"],
        sorts={"title": "template_title", "status": "status", "installed": "installed_at"},
        default_sort="-installed",
    )
    context = {"section": "installations", "listing": shown, "list_id": "installations"}
    return lists.page_or_part(
        request, "portal/installations/list.html", "portal/installations/_table.html", context
    )


@require_GET
@member_page
def detail(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    installation = services.get_installation(installation_id)
    release, newest = _release(installation), newest_release(installation)
    drift = drift_of(installation, _)
    shown = ""
    if drift:
        shown = picture(drift.now, since=drift.base)
    elif release:
        shown = picture(release.workflow)
    context = {
        **_state(installation),
        "parameters": [
            (spec.label, spec.help, _as_text(spec, installation.parameters.get(spec.name)))
            for spec in (release.terms.parameters if release else [])
        ],
        "has_release": release is not None,
        "picture": shown,
        "news": news_since(installation, newest) if newest else [],
        "editor_url": _editor_url(installation),
        "pause": pause_of(installation.pk),
        "held_count": held(installation.pk).count(),
        "newest": newest,
        "drift": drift,
        "under_way": installation.upgrades.under_way().first(),
        "tries_cases": request.tenant.is_sandbox and release is not None,
    }
    return TemplateResponse(request, "portal/installations/detail.html", context)


@require_GET
@member_page
def state(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    """Asked while it is being deployed; once that has ended the whole page has more to show."""
    installation = services.get_installation(installation_id)
    if installation.status not in UNFINISHED:
        return HttpResponseClientRefresh()
    return TemplateResponse(request, "portal/installations/_state.html", _state(installation))


@require_GET
@member_page
def runs(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    """From n8n, so asked for after the page stands. `?marks` is the short form for lists."""
    installation = services.get_installation(installation_id)
    is_short = "marks" in request.GET
    context: dict[str, Any] = {"installation": installation, "is_short": is_short}
    try:
        context["runs"] = last_runs(installation, limit=10 if is_short else 20)
    except DomainError as error:
        context["error"] = error
    template = "_marks.html" if is_short else "_runs.html"
    return TemplateResponse(request, f"portal/installations/{template}", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def parameters(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    installation = services.get_installation(installation_id)
    specs = installation.release().terms.parameters
    sent = request.POST if request.method == "POST" else None
    form = ParameterForm(specs, sent, values=installation.parameters)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_parameters(
                installation_id=installation_id,
                parameters=form.values,
                by=actor_of(request.member),
            )
        except ParametersInvalid as error:
            mark(form, error, prefix=PREFIX)
        else:
            messages.success(request, _("Saved. The next run works with the new values."))
            return redirect("installations:detail", installation_id)
    context = {"section": "installations", "installation": installation, "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/installations/parameters.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def cases(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    """The dry run in a sandbox: started by a POST, asked for while it runs."""
    if request.method == "POST":
        require(request, Permission.INSTALLATIONS)
        start_dry_run(installation_id=installation_id, by=actor_of(request.member))
        return redirect("installations:detail", installation_id)
    context = {"installation": services.get_installation(installation_id)}
    return TemplateResponse(request, "portal/installations/_cases.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def retry(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    if request.method != "POST":
        return redirect("installations:detail", services.get_installation(installation_id).pk)
    services.retry(installation_id=installation_id, by=actor_of(request.member))
    return redirect("installations:detail", installation_id)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def remove(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    """Asks n8n, so it takes a moment; what n8n refuses can be done again."""
    installation = services.get_installation(installation_id)
    if request.POST.get("sure") != "yes":
        return redirect("installations:detail", installation.pk)
    services.uninstall(installation_id=installation_id, by=actor_of(request.member))
    removed = {"title": installation.template_title}
    messages.success(request, _("%(title)s was removed from n8n.") % removed)
    return redirect("installations:list")


def _release(installation: Installation) -> Release | None:
    """None where it was discarded: the page is where such an installation is removed."""
    try:
        return installation.release()
    except ReleaseUnknown:
        return None


def _state(installation: Installation) -> dict[str, Any]:
    return {
        "section": "installations",
        "installation": installation,
        "is_polled": installation.status in UNFINISHED,
    }


def _editor_url(installation: Installation) -> str:
    if not installation.workflow_id:
        return ""
    try:
        return editor_url(installation)
    except DomainError:
        return ""


def _as_text(spec: ParameterSpec, value: Any) -> str:
    """A stored value as a person reads it."""
    if value is None or value in ("", []):
        return "–"
    return _TEXTS[spec.type](spec, value) if spec.type in _TEXTS else str(value)


def _reference(spec: ParameterSpec, value: Any) -> str:
    return dict(choices_of(spec.type)).get(value, str(value))


_TEXTS: dict[str, Callable[[ParameterSpec, Any], str]] = {
    "money": lambda spec, value: localized(Money(Decimal(value["amount"]), value["currency"])),
    "countries": lambda spec, value: ", ".join(country(code) for code in value),
    "boolean": lambda spec, value: _("Yes") if value else _("No"),
    "percent": lambda spec, value: percent(Decimal(value)),
    "number": lambda spec, value: str(number_format(Decimal(value))),
    "choice": lambda spec, value: spec.choices.get(value, str(value)),
    "list": lambda spec, value: ", ".join(spec.choices.get(each, each) for each in value),
    "schedule": lambda spec, value: schedules.in_words(value),
    "connection": _reference,
    "approver_group": _reference,
    "policy": _reference,
}
