"""The cases of each template, judged as they would be after it was cloned with the defaults."""

import hashlib
import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from controlplane.catalog.loader import read_folder
from controlplane.catalog.manifest import Case
from controlplane.catalog.models import Installation
from controlplane.catalog.parameters import filled
from controlplane.catalog.trying.given import named, provide
from controlplane.catalog.trying.sending import document_of
from controlplane.core.actor import Actor, ActorKind
from controlplane.events.models import Event, Source
from controlplane.invoices import services as invoices
from controlplane.knowledge.answers.services import answer_subject
from controlplane.orders.services import review_order
from controlplane.support.services import receive_ticket, triage_ticket
from tenants.models import Tenant
from tests.factories.events import ADA
from tests.factories.knowledge import approved

FOLDERS = [path.parent for path in settings.BASE_DIR.glob("workflow-templates/*/template.yaml")]
Judged = tuple[str, list[str]]
"""The verdict, and the codes of its reasons."""


def judge_order(case: Case, folder: Path, by: Actor) -> Judged:
    body = json.dumps(case.event.payload)
    event = Event.objects.create(
        source=Source.objects.create(slug="case", name="Case"),
        type=case.event.type,
        external_id="case",
        body=body,
        body_sha256=hashlib.sha256(body.encode()).hexdigest(),
    )
    decision = review_order(event_id=event.pk, by=by).decision
    return decision.verdict, [reason["code"] for reason in decision.reasons]


def judge_invoice(case: Case, folder: Path, by: Actor) -> Judged:
    for kind, take_in in (
        ("purchase_orders", invoices.import_purchase_orders),
        ("goods_receipts", invoices.import_goods_receipts),
    ):
        if given := case.given.get(kind):
            take_in(content=json.dumps(given).encode(), by=ADA)
    name, content = document_of(case, read_folder(folder).case_files)
    received = invoices.receive_invoice(
        chunks=[content],
        filename=name,
        content_type="application/xml",
        channel="source",
        by=ADA,
    )
    invoice = invoices.extract_invoice(event_id=received.event.pk, by=by)
    invoices.validate_invoice(invoice_id=invoice.pk, by=by)
    matched = invoices.match_invoice(invoice_id=invoice.pk, by=by)
    return matched.verdict, [reason["code"] for reason in matched.reasons]


def judge_ticket(case: Case, folder: Path, by: Actor) -> Judged:
    for document in case.given.get("knowledge", []):
        name = f"{document['title'].lower()}.md"
        approved(document["text"], title=document["title"], filename=name)
    payload = case.event.payload
    received = receive_ticket(
        subject=payload["subject"],
        body=payload["body"],
        requester_name=payload["requester"]["name"],
        requester_email=payload["requester"]["email"],
        channel="webhook",
        by=ADA,
    )
    ticket = triage_ticket(event_id=received.event.pk, by=by)
    answer = answer_subject(subject_type="ticket", subject_id=ticket.pk, by=by)
    return answer.verdict, [reason["code"] for reason in answer.reasons]


JUDGES: dict[str, Callable[[Case, Path, Actor], Judged]] = {
    "order.created": judge_order,
    "order.updated": judge_order,
    "order.cancelled": judge_order,
    "invoice.received": judge_invoice,
    "ticket.received": judge_ticket,
}
CASES = [
    pytest.param(folder, case, id=f"{folder.name}/{name}")
    for folder in FOLDERS
    for name, case in read_folder(folder).cases.items()
    if case.event.type in JUDGES
]
"""What begins otherwise has no verdict of its own, and is tried in n8n alone."""


@pytest.mark.parametrize(("folder", "case"), CASES)
def test_a_case_ends_as_it_says(tenant: Tenant, folder: Path, case: Case) -> None:
    manifest = read_folder(folder).manifest
    provide({kind: case.given[kind] for kind in ("connections",) if kind in case.given}, by=ADA)
    installation = Installation.objects.create(
        template_slug=folder.name,
        template_title=manifest.title,
        release_id=uuid.uuid4(),
        release_version=manifest.version,
        parameters=filled(manifest, named(manifest, case.parameters)),
    )
    key = Actor(ActorKind.MACHINE, "key", "its key", installation_id=installation.pk)

    verdict, reasons = JUDGES[case.event.type](case, folder, key)

    assert (verdict, reasons) == (case.expected.verdict, case.expected.reasons)


def test_every_template_of_ours_has_cases() -> None:
    assert FOLDERS
    for folder in FOLDERS:
        assert len(read_folder(folder).cases) >= 3, folder.name
