"""What answers are made of: the documents of each collection, their versions and approval."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from controlplane.core.errors import DomainError
from controlplane.knowledge.models import Chunk, Collection, Document, DocumentVersion
from controlplane.knowledge.services import approval, documents
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.knowledge import ContentForm, DocumentForm
from controlplane.portal.passages import parts_of
from tenants.members import actor_of
from tenants.permissions import Permission

EVERY = "all"
PASSAGES_PER_PAGE = 100
Status = DocumentVersion.Status
TABS = {
    EVERY: gettext_lazy("All"),
    Status.DRAFT: gettext_lazy("Waits for approval"),
    Status.APPROVED: gettext_lazy("Approved"),
    Status.READING: gettext_lazy("Being read"),
    Status.FAILED: gettext_lazy("Could not be read"),
    Status.RETIRED: gettext_lazy("Retired"),
}


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    status = lists.chosen(request, "status", list(TABS), default=EVERY)
    collections = list(Collection.objects.annotate(number=Count("documents")))
    slugs = [collection.slug for collection in collections]
    chosen = lists.chosen(request, "collection", slugs, default="")
    rows = _with_newest_version(Document.objects.select_related("collection"))
    if chosen:
        rows = rows.filter(collection__slug=chosen)
    counts = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    shown = lists.listing(
        request,
        rows if status == EVERY else rows.filter(state=status),
        search_in=["title", "filename", "collection__name", "approved_by"],
        sorts={
            "title": "title",
            "collection": "collection__name",
            "status": "state",
            "added": "created_at",
        },
        default_sort="-added",
    )
    context = {
        "section": "knowledge",
        "part": "documents",
        "listing": shown,
        "list_id": "documents",
        "status": status,
        "statuses": [
            (value, str(label), counts.get(value, 0) if value != EVERY else sum(counts.values()))
            for value, label in TABS.items()
            if value in {EVERY, Status.DRAFT, Status.APPROVED, status} or counts.get(value)
        ],
        "collections": collections,
        "chosen": chosen,
        "is_polled": any(row.state == Status.READING for row in shown.page.object_list),
    }
    return lists.page_or_part(
        request, "portal/knowledge/list.html", "portal/knowledge/_table.html", context
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.KNOWLEDGE)
def create(request: HttpRequest) -> HttpResponse:
    if not Collection.objects.active().exists():
        messages.warning(request, _("Documents stand in collections: make the first one."))
        return redirect("knowledge:collections")
    initial = {"collection": Collection.objects.filter(slug=request.GET.get("collection")).first()}
    form = DocumentForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            version = documents.add_document(
                collection=given["collection"],
                title=given["title"],
                source_url=given["source_url"],
                by=actor_of(request.member),
                **form.content,
            )
        except DomainError as error:
            mark(form, error)
        else:
            return redirect("knowledge:detail", version.document_id)
    context = {"section": "knowledge", "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/knowledge/create.html", context, status=status)


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def detail(request: HttpRequest, document_id: uuid.UUID) -> HttpResponse:
    document = documents.get_document(document_id)
    return _page(request, document, form=ContentForm())


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.KNOWLEDGE)
def add_version(request: HttpRequest, document_id: uuid.UUID) -> HttpResponse:
    document = documents.get_document(document_id)
    if request.method != "POST":
        return redirect("knowledge:detail", document_id)
    form = ContentForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            version = documents.add_version(
                document_id=document_id, by=actor_of(request.member), **form.content
            )
        except DomainError as error:
            mark(form, error)
        else:
            return redirect(_address(document_id, version.number))
    return _page(request, document, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.KNOWLEDGE)
def approve(request: HttpRequest, document_id: uuid.UUID, number: int) -> HttpResponse:
    version = _version(documents.get_document(document_id), number)
    if request.method == "POST":
        approval.approve_version(version_id=version.pk, by=actor_of(request.member))
        said = _("Version %(number)s is approved: from now on answers may quote it.")
        messages.success(request, said % {"number": number})
    return redirect(_address(document_id, number))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.KNOWLEDGE)
def retire(request: HttpRequest, document_id: uuid.UUID) -> HttpResponse:
    document = documents.get_document(document_id)
    if request.POST.get("sure") == "yes":
        approval.retire_document(document_id=document_id, by=actor_of(request.member))
        said = _("“%(title)s” is retired: no answer quotes it any more.")
        messages.success(request, said % {"title": document.title})
    return redirect("knowledge:detail", document_id)


@require_GET
@member_page
def state(request: HttpRequest, document_id: uuid.UUID, number: int) -> HttpResponse:
    """Asked while the file is being read; once that has ended the whole page has more to show."""
    version = _version(documents.get_document(document_id), number)
    if version.status != Status.READING:
        return HttpResponseClientRefresh()
    context = {"version": version, "document": version.document}
    return TemplateResponse(request, "portal/knowledge/_state.html", context)


def _with_newest_version(rows: QuerySet[Document]) -> QuerySet[Any]:
    """With what the list says of each: its newest version, and which one is searched."""
    versions = DocumentVersion.objects.filter(document=OuterRef("pk")).order_by("-number")
    approved = versions.filter(status=Status.APPROVED)
    return rows.annotate(
        state=Coalesce(Subquery(versions.values("status")[:1]), Value(str(Status.READING))),
        kind=Subquery(versions.values("kind")[:1]),
        number=Subquery(versions.values("number")[:1]),
        approved_number=Subquery(approved.values("number")[:1]),
        approved_by=Subquery(approved.values("approved_by")[:1]),
        approved_at=Subquery(approved.values("approved_at")[:1]),
    )


def _page(request: HttpRequest, document: Document, *, form: ContentForm) -> HttpResponse:
    versions = list(document.versions.defer("text").order_by("-number"))
    version = _shown(document, request.GET.get("version", ""))
    cited = _cited_span(request)
    chunks = version.chunks.order_by("position")
    page = Paginator(chunks, PASSAGES_PER_PAGE).get_page(
        request.GET.get("page") or _page_of(chunks, cited)
    )
    context = {
        "section": "knowledge",
        "document": document,
        "versions": versions,
        "version": version,
        "approved": next((v for v in versions if v.status == Status.APPROVED), None),
        "page": page,
        "parts": parts_of(version.text, list(page.object_list), cited),
        "form": form,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/knowledge/detail.html", context, status=status)


def _shown(document: Document, asked: str) -> DocumentVersion:
    """The version that the address names, else the newest."""
    rows = document.versions.order_by("-number")
    if asked.isdecimal() and len(asked) < 9 and (found := rows.filter(number=asked).first()):
        return found
    newest = rows.first()
    if newest is None:
        raise documents.VersionUnknown(f"“{document.title}” has no version. Upload one.")
    return newest


def _version(document: Document, number: int) -> DocumentVersion:
    found = document.versions.filter(number=number).first()
    if found is None:
        raise documents.VersionUnknown(f"“{document.title}” has no version {number}.")
    return found


def _cited_span(request: HttpRequest) -> tuple[int, int] | None:
    """What a citation points at: ?from=120&to=180, in characters of the text."""
    start, end = request.GET.get("from", ""), request.GET.get("to", "")
    if start.isdecimal() and end.isdecimal() and len(start) < 12 and len(end) < 12:
        return int(start), int(end)
    return None


def _page_of(chunks: QuerySet[Chunk], cited: tuple[int, int] | None) -> int:
    """Where a citation's passage stands."""
    before = chunks.filter(end__lte=cited[0]).count() if cited else 0
    return before // PASSAGES_PER_PAGE + 1


def _address(document_id: uuid.UUID, number: int) -> str:
    return f"{reverse('knowledge:detail', args=[document_id])}?version={number}"
