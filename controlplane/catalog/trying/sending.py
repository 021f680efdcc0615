"""A case's event, brought in as its source brings it."""

import hashlib
import json
import uuid
from base64 import b64decode
from collections.abc import Callable

from controlplane.catalog.manifest import Case
from controlplane.catalog.trying.given import case_source
from controlplane.core.actor import Actor
from controlplane.events.intake import keep
from controlplane.events.models import Event
from controlplane.invoices import services as invoices
from controlplane.support.services import receive_ticket


def send(case: Case, files: dict[str, str], *, by: Actor) -> Event:
    """In the tenant that is entered, in no transaction: the event goes out when it is committed."""
    return _SENDERS.get(case.event.type, _any)(case, files, by)


def _any(case: Case, _files: dict[str, str], _by: Actor) -> Event:
    body = json.dumps(case.event.payload, ensure_ascii=False)
    payload = case.event.payload
    return keep(
        Event(
            source=case_source(),
            type=case.event.type,
            external_id=str(uuid.uuid4()),
            subject=str(payload.get("name") or payload.get("id") or "")[:200],
            body=body,
            body_sha256=hashlib.sha256(body.encode()).hexdigest(),
            is_numbered=True,
        )
    ).event


def document_of(case: Case, files: dict[str, str]) -> tuple[str, bytes]:
    """Name and content of the document that the case brings, with what it has replaced there.

    So the same document is another invoice in each case: `{"R-1001": "R-1002"}`.
    """
    name = case.event.payload["document"]
    content = b64decode(files[name])
    for old, new in case.event.payload.get("replace", {}).items():
        content = content.replace(old.encode(), new.encode())
    return name.rsplit("/", 1)[-1], content


def _invoice(case: Case, files: dict[str, str], by: Actor) -> Event:
    name, content = document_of(case, files)
    return invoices.receive_invoice(
        chunks=[content],
        filename=name,
        content_type="application/xml",
        channel="source",
        by=by,
    ).event


def _ticket(case: Case, _files: dict[str, str], by: Actor) -> Event:
    payload = case.event.payload
    return receive_ticket(
        subject=payload["subject"],
        body=payload["body"],
        requester_name=payload["requester"]["name"],
        requester_email=payload["requester"]["email"],
        channel="webhook",
        by=by,
    ).event


_SENDERS: dict[str, Callable[[Case, dict[str, str], Actor], Event]] = {
    "invoice.received": _invoice,
    "ticket.received": _ticket,
}
