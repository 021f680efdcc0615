"""Importing orders and receipts from a file: either all of it is taken in, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from controlplane.core.errors import DomainError
from controlplane.invoices.services import Imported
from controlplane.portal.doors import require
from controlplane.portal.forms.procurement import ImportForm
from tenants.members import actor_of
from tenants.permissions import Permission

MOST_ERRORS = 100


@dataclass(frozen=True)
class Import:
    """`part` names the list that it belongs to, and its namespace; `run` is the service."""

    part: str
    title: str
    intro: str
    run: Callable[..., Imported]


def imported(request: HttpRequest, wanted: Import) -> HttpResponse:
    require(request, Permission.SUBMIT)
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    context: dict[str, Any] = {"section": "invoices", "form": form, "wanted": wanted}
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            done = wanted.run(content=file.read(), by=actor_of(request.member))
        except DomainError as error:
            context |= {"error": error, "errors": error.errors[:MOST_ERRORS], "file": file}
        else:
            messages.success(request, _told(done))
            return redirect(f"{wanted.part}:list")
    status = 422 if form.errors or "error" in context else 200
    return TemplateResponse(request, "portal/procurement/import.html", context, status=status)


def _told(done: Imported) -> str:
    return _("%(new)d new, %(updated)d brought up to date, %(same)d as they were.") % {
        "new": done.created,
        "updated": done.updated,
        "same": done.unchanged,
    }


def example_table(content: str, filename: str) -> HttpResponse:
    """A table to start from."""
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
