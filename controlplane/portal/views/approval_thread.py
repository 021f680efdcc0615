"""Comments and files beside an approval."""

import uuid

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.approvals import services, thread
from controlplane.core.errors import DomainError
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.approvals import AttachmentForm, CommentForm, DecisionForm
from controlplane.portal.forms.errors import mark
from controlplane.portal.views.approvals import page_context
from tenants import files
from tenants.members import actor_of
from tenants.permissions import Permission

Form = CommentForm | AttachmentForm


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.PAYLOAD)
def comment(request: HttpRequest, approval_id: uuid.UUID) -> HttpResponse:
    if request.method != "POST":
        return redirect("approvals:detail", approval_id)
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            thread.comment_on(
                approval_id=approval_id,
                text=form.cleaned_data["text"],
                by=actor_of(request.member),
            )
        except thread.CommentInvalid as error:
            mark(form, error)
    return _thread_or_page(request, approval_id, "comment_form", form)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.PAYLOAD)
def attach(request: HttpRequest, approval_id: uuid.UUID) -> HttpResponse:
    if request.method != "POST":
        return redirect("approvals:detail", approval_id)
    form = AttachmentForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            thread.attach(
                approval_id=approval_id,
                chunks=file.chunks(),
                filename=file.name or "",
                by=actor_of(request.member),
            )
        except (thread.AttachmentRefused, files.FileTooLarge) as error:
            _mark_file(form, error)
    return _thread_or_page(request, approval_id, "attachment_form", form)


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def attachment(
    request: HttpRequest, approval_id: uuid.UUID, attachment_id: uuid.UUID
) -> HttpResponseBase:
    """To be saved: never shown by the browser as what its sender says it is."""
    found = thread.get_attachment(approval_id, attachment_id)
    return FileResponse(
        files.open_file(found.sha256),
        as_attachment=True,
        filename=found.filename,
        content_type="application/octet-stream",
    )


def _mark_file(form: AttachmentForm, error: DomainError) -> None:
    form.add_error("file", error.detail)


def _thread_or_page(
    request: HttpRequest, approval_id: uuid.UUID, name: str, form: Form
) -> HttpResponse:
    if not form.errors:
        return redirect(f"{reverse('approvals:detail', args=[approval_id])}#thread")
    approval = services.get_approval(approval_id)
    context = page_context(request, approval, form=DecisionForm(), **{name: form})
    return TemplateResponse(request, "portal/approvals/detail.html", context, status=422)
