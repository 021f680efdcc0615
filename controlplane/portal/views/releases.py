"""A partner's own templates: importing workflows, and taking their releases live.

Templates are shared rows and drafts are nobody's but their owner's, so these pages leave the tenant
and look whose people are asking.
"""

import json
import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.catalog import importing, releases, shaping
from controlplane.catalog.changes import changes_since
from controlplane.catalog.models import Release, Template
from controlplane.catalog.proof import Shown, proof_of
from controlplane.catalog.trying import trials
from controlplane.core.errors import DomainError
from controlplane.portal import lists
from controlplane.portal.doors import member_page, of_shared_rows, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.releases import (
    DraftForm,
    ImportForm,
    ProposalForm,
    StepForm,
    TrialForm,
)
from controlplane.portal.forms.shaping import WORDS, ShapeFormSet, mark_rows, rows_of
from controlplane.portal.pictures import picture
from tenants.members import actor_of
from tenants.models import Partner, Tenant
from tenants.partner_seats import partners_with, seat_in
from tenants.permissions import PartnerPermission, Permission

RELEASE = PartnerPermission.RELEASE


@require_GET
@member_page
@requires(Permission.INSTALLATIONS)
@of_shared_rows
def index(request: HttpRequest) -> HttpResponse:
    shown = lists.listing(
        request,
        Release.objects.filter(template__owner__in=_managed(request))
        .select_related("template__owner")
        .defer("workflow", "manifest", "cases", "case_files", "findings", "readme"),
        search_in=["template__title", "template__slug", "version", "author"],
        sorts={
            "title": "template__title",
            "status": "status",
            "author": "author",
            "changed": "updated_at",
        },
        default_sort="-changed",
    )
    context = {"section": "templates", "listing": shown, "list_id": "releases"}
    return lists.page_or_part(
        request, "portal/releases/list.html", "portal/releases/_table.html", context
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
@of_shared_rows
def import_file(request: HttpRequest) -> HttpResponse:
    owners = {str(partner.pk): partner for partner in _managed(request)}
    if not owners:
        raise Http404
    own = {str(t.pk): t for t in Template.objects.filter(owner__in=owners.values())}
    form = ImportForm(
        request.POST or None,
        request.FILES or None,
        owners=[(key, str(partner)) for key, partner in owners.items()],
        templates=[(key, _("A new version of “%s”") % t) for key, t in own.items()],
    )
    if request.method == "POST" and form.is_valid():
        template = own.get(form.cleaned_data["template"])
        owner = template.owner if template else owners[form.cleaned_data["owner"]]
        try:
            made = importing.import_workflows(
                source=form.source,
                owner=owner,
                template=template,
                title=form.cleaned_data["title"],
                version=form.cleaned_data["version"],
                by=actor_of(request.member),
            )
        except DomainError as error:
            mark(form, error)
        else:
            if len(made) > 1:
                messages.success(request, _("%(n)s drafts were made.") % {"n": len(made)})
                return redirect("releases:list")
            return redirect("releases:detail", made[0].pk)
    context = {"section": "templates", "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/releases/import.html", context, status=status)


@require_GET
@member_page
@requires(Permission.INSTALLATIONS)
@of_shared_rows
def detail(request: HttpRequest, release_id: uuid.UUID) -> HttpResponse:
    return _page(request, _own(request, release_id))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
@of_shared_rows
def edit(request: HttpRequest, release_id: uuid.UUID) -> HttpResponse:
    release = _own(request, release_id)
    form = DraftForm(request.POST or None, initial=_written(release))
    if request.method == "POST" and form.is_valid():
        try:
            shaping.write_draft(
                release_id=release.pk, **form.cleaned_data, by=actor_of(request.member)
            )
        except DomainError as error:
            mark(form, error)
        else:
            return redirect("releases:detail", release.pk)
    context = {"section": "templates", "release": release, "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/releases/edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
@of_shared_rows
def shape(request: HttpRequest, release_id: uuid.UUID) -> HttpResponse:
    """The draft's parameters, a row for each. One more row and saving send the same form."""
    release = _own(request, release_id)
    sent = request.POST.copy() if request.method == "POST" else None
    if is_more := bool(sent and "more" in sent):
        count = str(sent.get("rows-TOTAL_FORMS", ""))  # type: ignore[union-attr]
        sent["rows-TOTAL_FORMS"] = str(int(count) + 1) if count.isdigit() else count  # type: ignore[index]
    rows = ShapeFormSet(sent, initial=rows_of(release.terms.parameters), prefix="rows")
    failed, above = False, ""
    if sent is not None and not is_more:
        failed = not rows.is_valid()
        kept = [] if failed else [each for each in rows if not each.cleaned_data.get("DELETE")]
        try:
            if not failed:
                shaping.write_draft(
                    release_id=release.pk,
                    parameters=[each.given for each in kept],
                    by=actor_of(request.member),
                )
                return redirect("releases:detail", release.pk)
        except DomainError as error:
            failed, above = True, mark_rows(kept, error)
    context = {
        "section": "templates",
        "release": release,
        "rows": rows,
        "failed": failed,
        "above": above,
    }
    status = 422 if failed else 200
    return TemplateResponse(request, "portal/releases/shape.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
@of_shared_rows
def confirm(request: HttpRequest, release_id: uuid.UUID) -> HttpResponse:
    """Make parameters of what is proposed and chosen."""
    release = _own(request, release_id)
    if request.method != "POST":
        return redirect("releases:detail", release.pk)
    form = ProposalForm(importing.proposed(release), request.POST)
    if not form.is_valid() or not form.names:
        return _page(request, release, proposals=form)
    try:
        importing.confirm(
            release_id=release.pk,
            names=form.names,
            labels=form.labels,
            by=actor_of(request.member),
        )
    except DomainError as error:
        form.add_error(None, error.detail)
        return _page(request, release, proposals=form)
    return redirect("releases:detail", release.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
@of_shared_rows
def step(request: HttpRequest, release_id: uuid.UUID, verb: str) -> HttpResponse:
    """Live, deprecated, or discarded: what is refused stands at the form."""
    release = _own(request, release_id)
    if request.method != "POST":
        return redirect("releases:detail", release.pk)
    form = StepForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    by = actor_of(request.member)
    try:
        if verb == "live":
            releases.go_live(release_id=release.pk, note=note, by=by)
        elif verb == "deprecate":
            releases.deprecate(release_id=release.pk, note=note, by=by)
        elif verb == "discard":
            releases.discard(release_id=release.pk, by=by)
            return redirect("releases:list")
        else:
            raise Http404
    except DomainError as error:
        form.add_error(None, error.detail)
        return _page(request, release, form=form)
    return redirect("releases:detail", release.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
@of_shared_rows
def trial(request: HttpRequest, release_id: uuid.UUID) -> HttpResponse:
    """Its cases in a sandbox: begun by a POST, asked for while they run; then the whole page."""
    release = _own(request, release_id)
    if request.method != "POST":
        shown = _tried(request, release)
        response = TemplateResponse(request, "portal/releases/_trial.html", shown)
        if not shown["is_running"]:
            response.headers["HX-Refresh"] = "true"
        return response
    sandboxes = {str(each.pk): each for each in _sandboxes(request, release)}
    sandbox = sandboxes.get(request.POST.get("sandbox", ""))
    if sandbox is None:
        raise Http404
    try:
        trials.begin_trial(release_id=release.pk, sandbox=sandbox, by=actor_of(request.member))
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect("releases:detail", release.pk)


def _page(
    request: HttpRequest,
    release: Release,
    *,
    form: StepForm | None = None,
    proposals: ProposalForm | None = None,
) -> HttpResponse:
    before = release.before
    since = before.workflow if before else None
    context = {
        **_tried(request, release),
        "section": "templates",
        "terms": release.terms,
        "parameter_types": WORDS,
        "before": before,
        "changes": changes_since(before, release, _),
        "picture": picture(release.workflow, since=since),
        "proposals": proposals or ProposalForm(importing.proposed(release)),
        "history": [
            {
                "label": Release.Status(step["status"]).label,
                "by": step["by"],
                "note": step["note"],
                "at": datetime.fromisoformat(step["at"]),
            }
            for step in release.steps
        ],
        "form": form or StepForm(),
    }
    status = 409 if form is not None else 422 if proposals is not None else 200
    return TemplateResponse(request, "portal/releases/detail.html", context, status=status)


def _tried(request: HttpRequest, release: Release) -> dict[str, Any]:
    """What its page says of its cases, and where they can run."""
    run = release.case_runs.select_related("sandbox").first()
    is_running = run is not None and run.is_under_way(at=timezone.now())
    is_draft = release.status == Release.Status.DRAFT
    proof = proof_of(release)
    return {
        "release": release,
        "run": run,
        "is_running": is_running,
        "is_old": run is not None and run.digest != release.digest,
        "cases_count": len(release.cases),
        "proof": proof,
        "is_impossible": proof.shown == Shown.IMPOSSIBLE,
        "trial": TrialForm(_sandboxes(request, release)) if is_draft and not is_running else None,
    }


def _sandboxes(request: HttpRequest, release: Release) -> list[Tenant]:
    owner = release.template.owner
    return trials.sandboxes_for(owner, seat_in(request, owner, RELEASE)) if owner else []


def _managed(request: HttpRequest) -> list[Partner]:
    """The partners of this tenant whose templates are the person's to release."""
    return partners_with(request, RELEASE)


def _own(request: HttpRequest, release_id: uuid.UUID) -> Release:
    """Anybody else's is not there."""
    found = (
        Release.objects.filter(pk=release_id, template__owner__in=_managed(request))
        .select_related("template__owner")
        .first()
    )
    if found is None:
        raise Http404
    return found


def _written(release: Release) -> dict[str, Any]:
    terms = release.terms
    return {
        "summary": terms.summary,
        "readme": release.readme,
        "notes": release.notes,
        "events": terms.events,
        "scopes": terms.scopes,
        "cases": json.dumps(release.cases, indent=2, ensure_ascii=False) if release.cases else "",
    }
