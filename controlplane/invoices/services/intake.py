"""Taking a document in: stored, numbered and told to n8n, before anybody looks into it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.conf import settings
from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from controlplane.core.schema import entered_schema
from controlplane.core.text import made_storable
from controlplane.events.intake import EventIdReused
from controlplane.events.models import Event, Source
from controlplane.events.services import publish
from controlplane.events.services import published as published_before
from controlplane.invoices.models import Invoice
from controlplane.invoices.services.again import (
    EVENT_TYPE,
    NothingToReadAgain,
    event_body,
    may_be_read_again,
    read_again,
)
from controlplane.invoices.services.lookup import SUBJECT, invoice_of
from tenants import files


class DocumentEmpty(DomainError):
    code = "document_empty"
    status = 422
    title = "The document is empty"


@dataclass(frozen=True)
class Received:
    """`is_duplicate`: the same content, or the same number of the sender, was here before."""

    invoice: Invoice
    event: Event
    is_duplicate: bool


def receive_invoice(
    *,
    chunks: Iterable[bytes],
    filename: str,
    content_type: str,
    channel: str,
    by: Actor,
    source: Source | None = None,
    external_id: str = "",
    is_test: bool = False,
) -> Received:
    """Store a document, make its row and its event, and have it read soon.

    The same content again is answered with the invoice that it already is, and read anew where it
    went into quarantine for a reason that may have passed. Where anything fails nothing is kept.
    Raises FileTooLarge, DocumentEmpty, EventIdReused, and what the chunks raise.
    """
    stored = files.store(chunks, limit=settings.DOCUMENT_MAX_BYTES)
    with alone("invoices.receive", f"{entered_schema()} {stored.sha256}"):
        try:
            # Whoever stored it first may have failed and taken it away again.
            files.path_of(stored.sha256)
            if not stored.size:
                raise DocumentEmpty(
                    f"“{_plain_name(filename)}” holds no byte. Send the invoice again.",
                    errors=(FieldError("file", "is empty"),),
                )
            if known := _known(stored.sha256, source, external_id):
                if known.invoice.status == Invoice.Status.RECEIVED:
                    # Perhaps the broker lost the first message; who reads twice changes nothing.
                    enqueue_on_commit("invoices.read", invoice_id=str(known.invoice.pk))
                if known.invoice.sha256 != stored.sha256:
                    raise EventIdReused(
                        f"“{external_id[:200]}” is the number of another document, "
                        f"“{known.invoice.filename}”. A number is for one document: send this one "
                        "under a number of its own.",
                        known=known.event,
                    )
                return _another_try(known, by=by)
            invoice = Invoice(
                sha256=stored.sha256,
                size=stored.size,
                filename=_plain_name(filename),
                content_type=_plain_type(content_type),
                channel=channel,
                source_slug=source.slug if source else "",
            )
            return _keep(
                invoice, source=source, external_id=external_id[:200], is_test=is_test, by=by
            )
        finally:
            if stored.is_new and not Invoice.objects.filter(sha256=stored.sha256).exists():
                files.delete(stored.sha256)


@transaction.atomic
def _keep(
    invoice: Invoice, *, source: Source | None, external_id: str, is_test: bool, by: Actor
) -> Received:
    event = publish(
        type=EVENT_TYPE,
        subject=invoice.filename,
        body=event_body(invoice),
        external_id=external_id or f"{SUBJECT}:{invoice.pk}",
        source=source,
        is_test=is_test,
        by=by,
    ).event
    invoice.event_id = event.pk
    invoice.save(force_insert=True)
    enqueue_on_commit("invoices.read", invoice_id=str(invoice.pk))
    record(
        action="invoice.received",
        subject_type=SUBJECT,
        subject_id=str(invoice.pk),
        data={
            "filename": invoice.filename,
            "sha256": invoice.sha256,
            "size": invoice.size,
            "channel": invoice.channel,
            "source": invoice.source_slug,
            "event_id": str(event.pk),
        },
        by=by,
    )
    return Received(invoice, event, is_duplicate=False)


def _another_try(known: Received, *, by: Actor) -> Received:
    if not may_be_read_again(known.invoice):
        return known
    try:
        invoice, event = read_again(invoice_id=known.invoice.pk, by=by)
    except NothingToReadAgain:  # somebody did so at the same moment
        return known
    return Received(invoice, event, is_duplicate=False)


def _known(sha256: str, source: Source | None, external_id: str) -> Received | None:
    """By content, or by what the sender calls it."""
    invoice = Invoice.objects.filter(sha256=sha256).first()
    if invoice is None and external_id:
        event = published_before(external_id=external_id[:200], source=source)
        invoice = invoice_of(event) if event else None
    if invoice is None or invoice.event_id is None:
        return None
    return Received(invoice, Event.objects.get(pk=invoice.event_id), is_duplicate=True)


def _plain_name(filename: str) -> str:
    """The last part of a path from either kind of system, without control characters."""
    name = PurePosixPath(made_storable(filename).replace("\\", "/")).name
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", name).strip()[:200]


def _plain_type(content_type: str) -> str:
    return made_storable(content_type).partition(";")[0].strip().lower()[:100]
