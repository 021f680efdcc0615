"""What a tenant changed in n8n, new releases, and earlier versions of an installation."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from controlplane.catalog.models import Installation, Release, Upgrade
from controlplane.catalog.services import get_installation
from controlplane.catalog.upgrades import asking
from controlplane.catalog.upgrades.drift import drift_of, look
from controlplane.catalog.upgrades.planning import (
    Plan,
    newest_release,
    news_since,
    plan_upgrade,
)
from controlplane.core.errors import DomainError
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.parameters import PREFIX, ParameterForm
from controlplane.portal.pictures import picture
from tenants.members import actor_of
from tenants.permissions import Permission

CHOICE = "choice-"


@require_GET
@member_page
def changes(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    """What was changed in n8n since the release, as it was last seen there."""
    installation = get_installation(installation_id)
    drift = drift_of(installation, _)
    context = {
        "section": "installations",
        "installation": installation,
        "drift": drift,
        "picture": picture(drift.now, since=drift.base) if drift else "",
        "newest": newest_release(installation),
    }
    return TemplateResponse(request, "portal/upgrades/changes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def look_again(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    """Asks n8n, so it takes a moment."""
    installation = get_installation(installation_id)
    if request.method == "POST":
        try:
            look(installation_id=installation.pk)
        except DomainError as error:
            messages.error(request, error.detail)
        else:
            messages.success(request, _("This is how it stands in n8n now."))
    return redirect("installations:changes", installation.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def upgrade(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    """The plan, with what is to be decided; sent, it is noted for a worker.

    Reads n8n. Where it is refused, what was chosen and typed stays on the page.
    """
    installation = get_installation(installation_id)
    release = _wanted(installation, request.GET.get("to", ""))
    if release is None:
        return redirect("installations:detail", installation.pk)
    sent = request.POST if request.method == "POST" else None
    choices = {
        key.removeprefix(CHOICE): str(value)
        for key, value in (sent or {}).items()
        if key.startswith(CHOICE)
    }
    form = ParameterForm(_asked(installation, release), sent, values=installation.parameters)
    problem: DomainError | None = None
    if sent is not None and form.is_valid():
        try:
            made = asking.upgrade(
                installation_id=installation.pk,
                release_id=release.pk,
                seen=sent.get("seen", ""),
                choices=choices,
                parameters=form.values,
                by=actor_of(request.member),
            )
        except DomainError as error:
            problem = error
            if any(PREFIX + found.field in form.fields for found in error.errors):
                mark(form, error, prefix=PREFIX)
        else:
            return redirect("installations:upgrade_state", installation.pk, made.pk)
    context: dict[str, Any] = {
        "section": "installations",
        "installation": installation,
        "release": release,
        "form": form,
        "problem": problem,
        "news": news_since(installation, release),
    }
    try:
        plan = plan_upgrade(installation_id=installation.pk, release_id=release.pk, choices=choices)
    except DomainError as error:
        context |= {"problem": error, "plan": None}
        status = error.status
    else:
        context |= _shown(plan)
        status = problem.status if problem else 422 if form.errors else 200
    return TemplateResponse(request, "portal/upgrades/upgrade.html", context, status=status)


@require_GET
@member_page
def upgrade_state(
    request: HttpRequest, installation_id: uuid.UUID, upgrade_id: uuid.UUID
) -> HttpResponse:
    """A page; asked by HTMX while it goes on, and then for the whole page again."""
    found = asking.get_upgrade(installation_id, upgrade_id)
    context = {
        "section": "installations",
        "installation": found.installation,
        "upgrade": found,
        "steps": _steps(found),
    }
    if not request.htmx:
        return TemplateResponse(request, "portal/upgrades/state.html", context)
    if not found.is_under_way:
        return HttpResponseClientRefresh()
    return TemplateResponse(request, "portal/upgrades/_state.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def retry(request: HttpRequest, installation_id: uuid.UUID, upgrade_id: uuid.UUID) -> HttpResponse:
    found = asking.get_upgrade(installation_id, upgrade_id)
    if request.method == "POST":
        asking.retry_upgrade(
            installation_id=installation_id, upgrade_id=found.pk, by=actor_of(request.member)
        )
    return redirect("installations:upgrade_state", installation_id, found.pk)


@require_GET
@member_page
def versions(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    installation = get_installation(installation_id)
    shown = lists.listing(
        request,
        installation.snapshots.defer("workflow", "parameters", "parameters_written"),
        search_in=["release_version", "taken_by", "workflow_hash"],
        sorts={"taken": "taken_at", "version": "release_version", "why": "why"},
        default_sort="-taken",
    )
    context = {
        "section": "installations",
        "installation": installation,
        "listing": shown,
        "list_id": "versions",
    }
    return lists.page_or_part(
        request, "portal/upgrades/versions.html", "portal/upgrades/_versions.html", context
    )


@require_GET
@member_page
def version(
    request: HttpRequest, installation_id: uuid.UUID, snapshot_id: uuid.UUID
) -> HttpResponse:
    snapshot = asking.get_snapshot(installation_id, snapshot_id)
    drift = drift_of(snapshot.installation)
    context = {
        "section": "installations",
        "installation": snapshot.installation,
        "snapshot": snapshot,
        "picture": picture(snapshot.workflow, since=drift.now if drift else None),
    }
    return TemplateResponse(request, "portal/upgrades/version.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def restore(
    request: HttpRequest, installation_id: uuid.UUID, snapshot_id: uuid.UUID
) -> HttpResponse:
    snapshot = asking.get_snapshot(installation_id, snapshot_id)
    if request.method != "POST":
        return redirect("installations:version", installation_id, snapshot.pk)
    made = asking.restore(
        installation_id=installation_id, snapshot_id=snapshot.pk, by=actor_of(request.member)
    )
    return redirect("installations:upgrade_state", installation_id, made.pk)


def _wanted(installation: Installation, version_text: str) -> Release | None:
    """The release that was asked for, else the newest; None where there is no newer one."""
    if not version_text:
        newest = newest_release(installation)
        return newest and Release.objects.select_related("template").get(pk=newest.pk)
    found = (
        Release.objects.select_related("template")
        .filter(template__slug=installation.template_slug, version=version_text)
        .first()
    )
    if found is None:
        raise Http404
    return found


def _asked(installation: Installation, release: Release) -> list[Any]:
    """Values that are new in the release: the others are carried over."""
    known = set(installation.parameters)
    before = {spec.name for spec in installation.release().terms.parameters}
    return [s for s in release.terms.parameters if s.name not in known and s.name not in before]


def _shown(plan: Plan) -> dict[str, Any]:
    return {
        "plan": plan,
        "seen": plan.seen.mark,
        "unpublished": plan.seen.found.active and not plan.seen.is_published,
        "release_changes": plan.release_changes(_),
        "own_changes": plan.own_changes(_),
        "questions": plan.questions(_),
        "picture": picture(plan.merged.workflow, since=plan.seen.sound),
    }


def _steps(upgrade: Upgrade) -> list[tuple[str, bool]]:
    """What a person sees it go through, and whether that is done."""
    done = upgrade.status == Upgrade.Status.DONE
    reached = Upgrade.Step.values.index(upgrade.step) if upgrade.step else -1
    labels = Upgrade.Step.labels
    return [(str(label), done or number <= reached) for number, label in enumerate(labels)]
