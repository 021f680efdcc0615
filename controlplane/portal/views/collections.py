"""Collections of documents: made, renamed, switched on and off."""

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from controlplane.core.errors import DomainError
from controlplane.knowledge.models import Collection, DocumentVersion
from controlplane.knowledge.services import collections as services
from controlplane.portal.doors import member_page, require, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.knowledge import CollectionForm, RenameForm
from tenants.members import actor_of
from tenants.permissions import Permission


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def index(request: HttpRequest) -> HttpResponse:
    form = CollectionForm()
    if request.method == "POST":
        require(request, Permission.KNOWLEDGE)
        form = CollectionForm(request.POST)
        if form.is_valid():
            try:
                made = services.create_collection(
                    slug=form.slug,
                    name=form.cleaned_data["name"],
                    language=form.cleaned_data["language"],
                    by=actor_of(request.member),
                )
            except services.CollectionExists:
                form.add_error("name", _("There is a collection of this name already."))
            except DomainError as error:
                mark(form, error)
            else:
                said = _("The collection “%(name)s” is there. Add its first document.")
                messages.success(request, said % {"name": made.name})
                return redirect("knowledge:collections")
    return _page(request, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.KNOWLEDGE)
def change(request: HttpRequest, collection_id: uuid.UUID) -> HttpResponse:
    """Its name, or by the other button whether anything is found in it."""
    collection = services.get_collection(collection_id)
    if request.method != "POST":
        return redirect("knowledge:collections")
    by = actor_of(request.member)
    if request.POST.get("active") in {"yes", "no"}:
        services.set_collection_active(
            collection_id=collection_id, is_active=request.POST["active"] == "yes", by=by
        )
        return redirect("knowledge:collections")
    form = RenameForm(request.POST, prefix=str(collection_id))
    if not form.is_valid():
        return _page(request, form=CollectionForm(), renaming=(collection, form))
    services.rename_collection(collection_id=collection_id, name=form.cleaned_data["name"], by=by)
    return redirect("knowledge:collections")


def _page(
    request: HttpRequest,
    *,
    form: CollectionForm,
    renaming: tuple[Collection, RenameForm] | None = None,
) -> HttpResponse:
    in_use = Q(documents__retired_at__isnull=True)
    quoted = in_use & Q(documents__versions__status=DocumentVersion.Status.APPROVED)
    rows = Collection.objects.annotate(
        number=Count("documents", filter=in_use, distinct=True),
        quoted=Count("documents", filter=quoted, distinct=True),
    )
    context: dict[str, Any] = {
        "section": "knowledge",
        "part": "collections",
        "rows": [(row, _renaming(row, renaming)) for row in rows],
        "form": form,
    }
    is_refused = form.errors or renaming
    return TemplateResponse(
        request, "portal/knowledge/collections.html", context, status=422 if is_refused else 200
    )


def _renaming(row: Collection, sent: tuple[Collection, RenameForm] | None) -> RenameForm:
    if sent and sent[0].pk == row.pk:
        return sent[1]
    return RenameForm(initial={"name": row.name}, prefix=str(row.pk))
