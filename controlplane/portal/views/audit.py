"""The audit trail: search, an entry with what it changed, verifying, the export for auditors."""

import tempfile
import uuid
from datetime import datetime, time, timedelta
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.approvals.models import Approval
from controlplane.audit import signing, verifying
from controlplane.audit.changes import rows_changed
from controlplane.audit.export import export_for
from controlplane.audit.models import Checkpoint, Entry
from controlplane.audit.search import Wanted, find_entries
from controlplane.core.actor import ActorKind
from controlplane.events.models import Source
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from tenants.members import actor_of
from tenants.permissions import Grant, Permission

EVERY = "all"
KINDS = [
    (EVERY, gettext_lazy("All")),
    (ActorKind.MEMBER.value, gettext_lazy("People")),
    (ActorKind.MACHINE.value, gettext_lazy("Machines")),
    (ActorKind.SYSTEM.value, gettext_lazy("Pergola itself")),
]
MARK = 12
"""Letters of a hash that an address has at least."""
# Where an entry's subject has a page.
PAGES = {
    "answer": "knowledge:answer",
    "approval": "approvals:detail",
    "collection": "knowledge:collection",
    "connection": "connections:detail",
    "decision": "decisions:detail",
    "document": "knowledge:detail",
    "exception": "exceptions:detail",
    "installation": "installations:detail",
    "invoice": "invoices:detail",
    "order": "orders:detail",
    "policy": "policies:detail",
    "release": "releases:detail",
    "simulation": "policies:simulation",
    "ticket": "tickets:detail",
}
# Of those, what only opens for whoever may see customer data, or do this.
OPENED_BY = {
    "answer": Permission.PAYLOAD,
    "decision": Permission.PAYLOAD,
    "document": Permission.PAYLOAD,
    "invoice": Permission.PAYLOAD,
    "order": Permission.PAYLOAD,
    "release": Permission.INSTALLATIONS,
    "simulation": Permission.PAYLOAD,
    "ticket": Permission.PAYLOAD,
}
DECIDED_ON = {"answer", "approval", "decision", "invoice", "order", "ticket"}


@require_GET
@member_page
@requires(Permission.AUDIT)
def index(request: HttpRequest) -> HttpResponse:
    kind = lists.chosen(request, "status", [value for value, _label in KINDS], default=EVERY)
    asked = {name: _text(request, name) for name in ("action", "subject", "subject_id")}
    since, until = _day(request, "since"), _day(request, "until")
    entries = find_entries(
        Wanted(
            action=asked["action"],
            subject_type=asked["subject"],
            subject_id=asked["subject_id"],
            since=since,
            until=until + timedelta(days=1) if until else None,
        )
    ).defer("data")
    shown = lists.listing(
        request,
        entries.filter(actor_kind=kind) if kind != EVERY else entries,
        search_in=["action", "subject_type", "subject_id", "actor_label", "execution_id"],
        sorts={
            "at": "sequence",
            "action": "action",
            "subject": "subject_type",
            "by": "actor_label",
        },
        default_sort="-at",
    )
    context = {
        "section": "audit",
        "listing": shown,
        "list_id": "entries",
        "status": kind,
        "statuses": KINDS,
        "asked": {
            **asked,
            "since": request.GET.get("since", ""),
            "until": request.GET.get("until", ""),
        },
        "is_narrowed": any(asked.values()) or since or until,
        "wrong_days": [
            name for name in ("since", "until") if request.GET.get(name) and not _day(request, name)
        ],
        "newest": Checkpoint.objects.defer("witness").order_by("-number").first(),
        "public_key": signing.public_key(),
        "verification": verifying.current_verification(),
    }
    return lists.page_or_part(
        request, "portal/audit/list.html", "portal/audit/_table.html", context
    )


@require_GET
@member_page
@requires(Permission.AUDIT)
def detail(request: HttpRequest, sequence: int, mark: str) -> HttpResponse:
    """`mark` is the beginning of the entry's hash: an address is of one entry of one chain."""
    entry = Entry.objects.filter(sequence=sequence, hash__startswith=mark).first()
    if entry is None or len(mark) < MARK:
        raise Http404(_("There is no such entry. It may have been taken away for its age."))
    rows = rows_changed(entry)
    others = find_entries(Wanted(subject_type=entry.subject_type, subject_id=entry.subject_id))
    context: dict[str, Any] = {
        "section": "audit",
        "entry": entry,
        "rows": rows,
        "facts": [] if rows else sorted(entry.data.items()),
        "page": _page_of(entry, request.member.grant),
        "about": _decided_on(entry),
        "history": others.defer("data").order_by("-sequence")[:20],
        "is_sound": entry.computed_hash() == entry.hash,
        "checkpoint": Checkpoint.objects.filter(sequence__gte=sequence)
        .defer("witness")
        .order_by("number")
        .first(),
    }
    return TemplateResponse(request, "portal/audit/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.AUDIT)
def verify(request: HttpRequest) -> HttpResponse:
    """Start it; asked for again, how far it is."""
    if request.method == "POST":
        verifying.start_verification(by=actor_of(request.member))
    if request.method == "POST" and not lists.is_partial(request):
        return redirect("audit:list")
    context = {"verification": verifying.current_verification()}
    return TemplateResponse(request, "portal/audit/_verification.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.AUDIT)
def export(request: HttpRequest) -> HttpResponseBase:
    if request.method != "POST":  # a log-in came between
        return redirect("audit:list")
    archive = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
    tenant = request.tenant
    export_for(archive, whose=f"{tenant.name} ({tenant.slug})", by=actor_of(request.member))
    archive.seek(0)
    name = f"audit-{tenant.slug}-{timezone.localdate():%Y-%m-%d}.zip"
    return FileResponse(archive, as_attachment=True, filename=name, content_type="application/zip")


def _page_of(entry: Entry, grant: Grant) -> str:
    """The address of the subject's page; "" where there is none, as for what a workflow named, or
    where the reader may not open it.
    """
    needed = OPENED_BY.get(entry.subject_type)
    if needed is not None and not grant.may(needed):
        return ""
    if entry.subject_type == "policy_terms":
        return reverse("policies:list")
    key = _uuid_of(entry.subject_id)
    if key is None:
        return ""
    if entry.subject_type == "source":
        source = Source.objects.filter(pk=key).only("slug").first()
        return reverse("sources:detail", args=[source.slug]) if source else ""
    page = PAGES.get(entry.subject_type)
    return reverse(page, args=[key]) if page else ""


def _decided_on(entry: Entry) -> tuple[uuid.UUID | None, uuid.UUID | None] | None:
    """What decisions about it are found by: the subject, and the decision that the entry names."""
    if entry.subject_type not in DECIDED_ON:
        return None
    subject = _uuid_of(entry.subject_id)
    if entry.subject_type == "approval" and subject:
        approval = Approval.objects.filter(pk=subject).only("subject_id").first()
        subject = approval.subject_id if approval else None
    named = entry.data.get("decision_id") if isinstance(entry.data, dict) else None
    return subject, _uuid_of(named)


def _uuid_of(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "").strip()[:120]


def _day(request: HttpRequest, name: str) -> datetime | None:
    """The beginning of that day where the reader is; None for no day."""
    try:
        day = parse_date(request.GET.get(name, ""))
        return timezone.make_aware(datetime.combine(day, time.min)) if day else None
    except (ValueError, OverflowError):
        return None
