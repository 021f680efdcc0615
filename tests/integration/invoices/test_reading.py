"""What becomes of a document when it is looked into: in the real sandbox, as it is in use."""

import threading
from pathlib import Path

import pytest
from django.db import connections

from controlplane.audit.models import Entry
from controlplane.core.actor import Actor, ActorKind, Execution
from controlplane.events.models import Event
from controlplane.events.services import EventUnknown
from controlplane.invoices import services
from controlplane.invoices.models import Invoice
from controlplane.invoices.tasks import read
from tenants.context import inside
from tenants.files import read_file
from tenants.models import Tenant
from tests.factories.events import make_event
from tests.factories.invoices import ADA, IBAN, VAT_ID, make_invoice, ubl_invoice

DATA = Path("tests/data/invoices")
MACHINE = Actor(
    ActorKind.MACHINE, "key", "test key", execution=Execution("wf1", "77", "Extract", "0:0")
)


def looked_into(content: bytes, **more: object) -> Invoice:
    invoice = make_invoice(content=content, read=False)
    return services.read_invoice(invoice_id=invoice.pk, by=ADA)


def test_an_invoice_of_ubl(tenant: Tenant) -> None:
    invoice = looked_into(ubl_invoice())

    invoice.refresh_from_db()
    assert (invoice.status, invoice.format, invoice.syntax) == ("read", "ubl", "ubl")
    assert (invoice.number, invoice.order_reference, invoice.currency) == ("R-1001", "PO-1", "EUR")
    assert (str(invoice.net), str(invoice.tax), str(invoice.payable)) == (
        "450.0000", "85.5000", "535.5000",
    )  # fmt: skip
    assert (invoice.supplier_vat_id, invoice.supplier_key) == (VAT_ID, VAT_ID.lower())
    assert invoice.iban == IBAN
    assert [str(line) for line in invoice.lines.all()] == [
        "100 × Mooring rope 10 mm", "20 × Steel hook",
    ]  # fmt: skip
    assert b"<cbc:ID>R-1001</cbc:ID>" in read_file(invoice.xml_sha256)
    entry = Entry.objects.get(action="invoice.read")
    assert (entry.data["status"], entry.data["format"]) == ("read", "ubl")


def test_a_hybrid_is_read_from_the_xml_inside(tenant: Tenant) -> None:
    invoice = looked_into((DATA / "zugferd-rental.pdf").read_bytes())

    assert (invoice.status, invoice.format, invoice.syntax) == ("read", "hybrid", "cii")
    assert invoice.number
    assert invoice.text
    assert invoice.pages >= 1


def test_a_plain_pdf_waits_for_a_person_with_what_was_found(tenant: Tenant) -> None:
    invoice = looked_into((DATA / "no-xml.pdf").read_bytes())

    assert (invoice.status, invoice.format) == ("to_check", "pdf")
    assert invoice.needs_check
    assert (invoice.normal, invoice.number, invoice.payable) == (None, "", None)
    assert "no_xml" in {problem["code"] for problem in invoice.problems}
    assert all(0 <= field["confidence"] <= 1 for field in invoice.fields)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Invoice>&x;</Invoice>',
            "xml_doctype",
        ),
        (b"<Invoice><", "xml_malformed"),
        (b"%PDF-1.7\nnothing", "pdf_broken"),
        (b"MZ\x90\0 a program", "not_an_invoice"),
    ],
)
def test_what_is_hostile_or_broken_is_quarantined(
    tenant: Tenant, content: bytes, code: str
) -> None:
    invoice = looked_into(content)

    assert (invoice.status, invoice.quarantine_code) == ("quarantined", code)
    assert invoice.quarantine_reason.endswith(".")
    assert (invoice.normal, invoice.xml_sha256) == (None, "")
    assert Entry.objects.get(action="invoice.quarantined").data["reason"] == code
    matched = services.match_invoice(invoice_id=invoice.pk, by=ADA)
    assert matched.verdict == "reject"
    with pytest.raises(services.OutcomeNotAllowed):
        services.record_outcome(invoice_id=invoice.pk, outcome="accepted", note="", by=ADA)


def test_a_bomb_takes_no_more_than_its_share(tenant: Tenant) -> None:
    deep = b"<Invoice>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</Invoice>"

    assert looked_into(deep).quarantine_code == "xml_too_deep"


def test_it_is_read_once(tenant: Tenant) -> None:
    invoice = make_invoice()

    read(invoice_id=str(invoice.pk))
    services.read_invoice(invoice_id=invoice.pk, by=ADA)

    assert Entry.objects.filter(action="invoice.read").count() == 1


def test_another_invoice_of_the_same_number_is_kept_and_marked(tenant: Tenant) -> None:
    first = make_invoice()
    again = make_invoice(note="sent once more")
    other_supplier = make_invoice(vat_id="DE999999999")
    credit_note = make_invoice(credits="R-1001")

    assert again.pk != first.pk
    assert again.duplicate_of == first
    assert (other_supplier.duplicate_of, credit_note.duplicate_of) == (None, None)
    third = make_invoice(note="and once more")
    assert third.duplicate_of == first


def test_what_was_rejected_may_be_sent_again(tenant: Tenant) -> None:
    first = make_invoice()
    second = make_invoice(note="put right")
    services.record_outcome(invoice_id=first.pk, outcome="rejected", note="wrong", by=ADA)

    third = make_invoice(note="put right again")

    assert third.duplicate_of == second
    second.refresh_from_db()
    assert (second.duplicate_of, second.original) == (first, None)


class TestExtract:
    def test_it_reads_what_nobody_read_yet(self, tenant: Tenant) -> None:
        invoice = make_invoice(read=False)

        read = services.extract_invoice(event_id=invoice.event_id, by=MACHINE)

        assert (read.pk, read.status) == (invoice.pk, "read")
        assert Event.objects.get().execution_id == "77"

    def test_an_event_of_another_kind(self, tenant: Tenant) -> None:
        with pytest.raises(services.EventHoldsNoInvoice, match=r"order\.created"):
            services.extract_invoice(event_id=make_event().pk, by=MACHINE)

    def test_no_event_at_all(self, tenant: Tenant) -> None:
        with pytest.raises(EventUnknown):
            services.extract_invoice(event_id=make_invoice().pk, by=MACHINE)


@pytest.fixture
def no_celery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.core.jobs.current_app.send_task", lambda *_a, **_k: None)


def at_once(tenant: Tenant, count: int, work: object) -> list[object]:
    """What each of so many threads came to, all started at the same moment."""
    ready, answers = threading.Barrier(count), []

    def run() -> None:
        try:
            with inside(tenant):
                ready.wait(10)
                answers.append(work())  # type: ignore[operator]
        except Exception as error:
            answers.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_two_who_read_at_once_read_it_once(yard: Tenant, no_celery: None) -> None:
    with inside(yard):
        invoice = make_invoice(read=False)

    answers = at_once(yard, 2, lambda: services.read_invoice(invoice_id=invoice.pk, by=ADA).status)

    assert answers == ["read", "read"]
    with inside(yard):
        assert Entry.objects.filter(action="invoice.read").count() == 1
        assert Invoice.objects.get().lines.count() == 2


def test_one_document_sent_by_four_at_once_is_one_invoice(
    yard: Tenant, no_celery: None, stored: Path
) -> None:
    def send() -> bool:
        return services.receive_invoice(
            chunks=[ubl_invoice()], filename="", content_type="", channel="api", by=ADA
        ).is_duplicate

    assert sorted(at_once(yard, 4, send)) == [False, True, True, True]
    with inside(yard):
        assert Invoice.objects.count() == Event.objects.count() == 1
        assert read_file(Invoice.objects.get().sha256) == ubl_invoice()


def test_two_of_one_number_read_at_once_know_of_one_another(yard: Tenant, no_celery: None) -> None:
    with inside(yard):
        ids = [make_invoice(note=note, read=False).pk for note in ("one", "two")]
    todo = iter(ids)

    at_once(yard, 2, lambda: services.read_invoice(invoice_id=next(todo), by=ADA))

    with inside(yard):
        marked = [invoice for invoice in Invoice.objects.all() if invoice.duplicate_of_id]
        assert len(marked) == 1
