"""Supplier invoices: taking them in, what was read, found and matched, and correcting it."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.core.errors import DomainError
from controlplane.invoices import services
from controlplane.invoices.models import Invoice
from controlplane.policies.verdicts import Verdict
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.invoices import MOST_LINES, CorrectionForm, UploadForm, empty_lines
from controlplane.portal.invoices.page import (
    PICTURED,
    found_in_text,
    may_be_corrected,
    shown_invoice,
)
from controlplane.portal.invoices.pictures import MOST_PAGES, Picture, picture_of
from controlplane.portal.trials import IS_TEST_INVOICE, is_test_invoice
from tenants import files
from tenants.members import actor_of
from tenants.permissions import Permission

EVERY = "all"
# Always offered; the others only where there is such an invoice.
ALWAYS = {Invoice.Status.TO_CHECK, Invoice.Status.HELD, Invoice.Status.QUARANTINED}


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    status = lists.chosen(request, "status", [EVERY, *Invoice.Status.values], default=EVERY)
    rows = Invoice.objects.all() if status == EVERY else Invoice.objects.with_status(status)
    shown = lists.listing(
        request,
        rows.annotate(is_test=IS_TEST_INVOICE).defer(
            "text", "normal", "fields", "findings", "match"
        ),
        search_in=["number", "supplier_name", "order_reference", "filename"],
        sorts={
            "number": "number",
            "supplier": "supplier_name",
            "total": "payable",
            "status": "status",
            "received": "created_at",
        },
        default_sort="-received",
    )
    context = {
        "section": "invoices",
        "part": "invoices",
        "listing": shown,
        "list_id": "invoices",
        "status": status,
        "statuses": _statuses(status),
    }
    return lists.page_or_part(
        request, "portal/invoices/list.html", "portal/invoices/_table.html", context
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SUBMIT)
def upload(request: HttpRequest) -> HttpResponse:
    """Each file stands by itself: one that is refused says why, and the others are taken in."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    context: dict[str, Any] = {"section": "invoices", "form": form}
    if request.method == "POST" and form.is_valid():
        results = [_take_in(file, request) for file in form.cleaned_data["documents"]]
        context |= {
            "form": UploadForm(),
            "results": results,
            "taken": [
                result["invoice"]
                for result in results
                if "invoice" in result and not result["is_duplicate"]
            ],
        }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/invoices/upload.html", context, status=status)


@require_GET
@member_page
def state(request: HttpRequest, invoice_id: uuid.UUID) -> HttpResponse:
    """The invoice's row of a list, asked for until the document has been read."""
    invoice = services.get_invoice(invoice_id)
    context = {"invoice": invoice, "is_test": is_test_invoice(invoice)}
    return TemplateResponse(request, "portal/invoices/_row.html", context)


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def detail(request: HttpRequest, invoice_id: uuid.UUID) -> HttpResponse:
    invoice = services.get_invoice(invoice_id)
    form = CorrectionForm(invoice) if may_be_corrected(invoice) else None
    context = {"form": form, **shown_invoice(invoice)}
    return TemplateResponse(request, "portal/invoices/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.HANDLE)
def correct(request: HttpRequest, invoice_id: uuid.UUID) -> HttpResponse:
    invoice = services.get_invoice(invoice_id)
    if request.method != "POST":  # a log-in came between
        return redirect("invoices:detail", invoice_id)
    form = CorrectionForm(invoice, request.POST)
    if form.is_valid():
        try:
            matched = services.correct_fields(
                invoice_id=invoice_id, fields=form.values, by=actor_of(request.member)
            )
        except DomainError as error:
            form.mark(error)
        else:
            messages.success(request, _confirmed(matched))
            return redirect("invoices:detail", invoice_id)
    context = {"form": form, **shown_invoice(invoice)}
    return TemplateResponse(request, "portal/invoices/detail.html", context, status=422)


@require_GET
@member_page
@requires(Permission.HANDLE)
def more_lines(request: HttpRequest, invoice_id: uuid.UUID) -> HttpResponse:
    """A few more empty lines for the form, behind those that it has."""
    services.get_invoice(invoice_id)
    given = request.GET.get("after", "")
    start = min(int(given), MOST_LINES) if given.isdecimal() and len(given) < 5 else 0
    lines = empty_lines(start)
    context = {"invoice_id": invoice_id, "lines": lines, "next_line": start + len(lines)}
    return TemplateResponse(request, "portal/invoices/_more_lines.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SUBMIT)
def match(request: HttpRequest, invoice_id: uuid.UUID) -> HttpResponse:
    """Once more: an order or a receipt may have come meanwhile."""
    invoice = services.get_invoice(invoice_id)
    if request.method == "POST":
        services.match_invoice(invoice_id=invoice_id, by=actor_of(request.member))
        messages.success(request, _("%(invoice)s was matched again.") % {"invoice": str(invoice)})
    return redirect("invoices:detail", invoice_id)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SUBMIT)
def read_again(request: HttpRequest, invoice_id: uuid.UUID) -> HttpResponse:
    """Out of quarantine, where what put it there may have passed."""
    services.get_invoice(invoice_id)
    if request.method == "POST":
        try:
            services.read_again(invoice_id=invoice_id, by=actor_of(request.member))
        except services.NothingToReadAgain as error:  # somebody did so before
            messages.error(request, error.detail)
        else:
            messages.success(request, _("It is read again, and its workflow starts anew."))
    return redirect("invoices:detail", invoice_id)


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def document(request: HttpRequest, invoice_id: uuid.UUID) -> HttpResponseBase:
    """The original, to be saved: never shown by the browser as what its sender says it is."""
    invoice = services.get_invoice(invoice_id)
    return FileResponse(
        files.open_file(invoice.sha256),
        as_attachment=True,
        filename=invoice.filename or f"{invoice.pk}",
        content_type="application/octet-stream",
    )


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def page(request: HttpRequest, invoice_id: uuid.UUID, number: int) -> HttpResponse:
    """One page of a PDF with the places of what was read on it."""
    invoice, picture = _picture(invoice_id, number)
    context = {
        "invoice": invoice,
        "picture": picture,
        "boxes": [
            field
            for field in found_in_text(invoice)
            if field.get("page") == number and "x" in field
        ],
        "next_number": number + 1 if number < picture.pages else None,
    }
    return TemplateResponse(request, "portal/invoices/_page.html", context)


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def page_image(request: HttpRequest, invoice_id: uuid.UUID, number: int) -> HttpResponse:
    _invoice, picture = _picture(invoice_id, number)
    if picture.failure:
        raise Http404(picture.failure)
    return HttpResponse(picture.png, content_type="image/png")


def _picture(invoice_id: uuid.UUID, number: int) -> tuple[Invoice, Picture]:
    invoice = services.get_invoice(invoice_id)
    if invoice.format not in PICTURED or invoice.quarantine_code or number > MOST_PAGES:
        raise Http404
    return invoice, picture_of(invoice, number)


def _confirmed(matched: Invoice) -> str:
    """What a match with the confirmed fields has come to."""
    if matched.verdict == Verdict.ACCEPT:
        return _("The fields are confirmed and the invoice was matched: it may be paid.")
    if matched.verdict == Verdict.REJECT:
        return _("The fields are confirmed and the invoice was matched: the policies reject it.")
    return _("The fields are confirmed and the invoice was matched: it is held for a person.")


def _statuses(status: str) -> list[tuple[str, str, int]]:
    counts = dict(Invoice.objects.order_by().values_list("status").annotate(number=Count("pk")))
    return [
        (EVERY, _("All"), sum(counts.values())),
        *(
            (value, str(label), counts.get(value, 0))
            for value, label in Invoice.Status.choices
            if value in ALWAYS or value in counts or value == status
        ),
    ]


def _take_in(file: UploadedFile, request: HttpRequest) -> dict[str, Any]:
    """What became of one file: its invoice, or why it was refused."""
    try:
        received = services.receive_invoice(
            chunks=file.chunks(),
            filename=file.name or "",
            content_type=file.content_type or "",
            channel=Invoice.Channel.PORTAL,
            by=actor_of(request.member),
        )
    except DomainError as error:
        return {"name": file.name, "error": error}
    return {
        "name": file.name,
        "invoice": received.invoice,
        "is_duplicate": received.is_duplicate,
    }
