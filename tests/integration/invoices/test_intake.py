"""A document on its way in: by hand, by the API, from a source."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.events.intake import EventIdReused
from controlplane.events.models import Event
from controlplane.events.services import send_test_event
from controlplane.invoices import services
from controlplane.invoices.models import Invoice
from controlplane.invoices.services import intake
from tenants.context import inside
from tenants.files import FileTooLarge, read_file
from tenants.models import Tenant
from tests.factories.events import make_source, signed_headers
from tests.factories.invoices import ADA, make_invoice, ubl_invoice


def receive(content: bytes = b"%PDF-1.7 an invoice", **more: Any) -> services.Received:
    given = {"filename": "a.pdf", "content_type": "application/pdf", "channel": "api", "by": ADA}
    return services.receive_invoice(chunks=[content], **(given | more))


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_document_is_stored_told_and_noted(tenant: Tenant) -> None:
    received = receive()

    invoice = Invoice.objects.get()
    assert read_file(invoice.sha256) == b"%PDF-1.7 an invoice"
    assert (invoice.status, invoice.size, invoice.filename) == ("received", 19, "a.pdf")
    event = Event.objects.get()
    assert event == received.event
    assert (event.type, event.subject, event.pk) == ("invoice.received", "a.pdf", invoice.event_id)
    assert f'"invoice_id": "{invoice.pk}"' in event.body
    entry = Entry.objects.get(action="invoice.received")
    assert entry.data["sha256"] == invoice.sha256
    assert not received.is_duplicate


def test_it_is_read_soon_and_in_the_tenant(
    tenant: Tenant, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(
        "controlplane.core.jobs.current_app.send_task", lambda *a, **k: sent.append((a, k))
    )

    with django_capture_on_commit_callbacks(execute=True):
        received = receive()

    [(name,)], [options] = zip(*[(call[0], call[1]) for call in sent], strict=True)
    assert name == "invoices.read"
    assert options["kwargs"] == {"invoice_id": str(received.invoice.pk)}
    assert options["headers"] == {"pergola_tenant": "t_north"}


def test_one_that_waits_to_be_read_is_read_where_it_is_sent_again(
    tenant: Tenant, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first message was lost: Redis was away, or a worker was killed."""
    invoice = receive().invoice
    sent: list[Any] = []
    monkeypatch.setattr(
        "controlplane.core.jobs.current_app.send_task", lambda *a, **k: sent.append(k["kwargs"])
    )

    with django_capture_on_commit_callbacks(execute=True):
        receive()
    services.read_invoice(invoice_id=invoice.pk, by=ADA)
    with django_capture_on_commit_callbacks(execute=True):
        receive()

    assert sent == [{"invoice_id": str(invoice.pk)}]


def test_the_same_content_is_the_same_invoice(tenant: Tenant, stored: Path) -> None:
    first = receive()
    again = receive(filename="another name.pdf", channel="portal")

    assert (again.is_duplicate, again.invoice, again.event) == (True, first.invoice, first.event)
    assert Event.objects.count() == Entry.objects.filter(action="invoice.received").count() == 1
    assert len(kept(stored)) == 1


def test_the_senders_number_for_another_document_is_a_conflict(
    tenant: Tenant, stored: Path
) -> None:
    source = make_source("mail", kind="documents")
    receive(source=source, external_id="42")
    with pytest.raises(EventIdReused, match="“42” is the number of another document"):
        receive(b"%PDF-1.7 put right", source=source, external_id="42")
    assert len(kept(stored)) == 1

    another = receive(b"%PDF-1.7 put right", source=make_source("post"), external_id="42")

    assert not another.is_duplicate
    assert len(kept(stored)) == 2


@pytest.mark.parametrize(
    ("given", "kept_as"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\bills\\R 1.xml", "R 1.xml"),
        ("a\u202egnp.exe\n", "agnp.exe"),
        ("", ""),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_name_is_only_a_name(tenant: Tenant, given: str, kept_as: str) -> None:
    assert receive(filename=given).invoice.filename == kept_as


def test_nothing_is_kept_of_an_empty_document(tenant: Tenant, stored: Path) -> None:
    with pytest.raises(services.DocumentEmpty):
        receive(b"")

    assert (Invoice.objects.count(), kept(stored)) == (0, [])


def test_nothing_is_kept_of_one_that_is_too_large(
    tenant: Tenant, stored: Path, settings: Any
) -> None:
    settings.DOCUMENT_MAX_BYTES = 10

    with pytest.raises(FileTooLarge):
        receive()

    assert (Invoice.objects.count(), kept(stored)) == (0, [])


def test_nothing_is_kept_where_the_sender_breaks_off(tenant: Tenant, stored: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"%PDF"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        services.receive_invoice(
            chunks=broken(), filename="", content_type="", channel="api", by=ADA
        )

    assert (Invoice.objects.count(), kept(stored)) == (0, [])


def test_the_file_goes_with_a_transaction_that_fails(
    tenant: Tenant, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr(intake, "record", fail)

    with pytest.raises(RuntimeError):
        receive()

    assert (Invoice.objects.count(), Event.objects.count(), kept(stored)) == (0, 0, [])


def test_a_file_that_somebody_else_needs_stays(
    tenant: Tenant, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = receive().invoice
    Invoice.objects.filter(pk=invoice.pk).update(event_id=None)  # as if its event had been purged

    with pytest.raises(Exception, match="invoice_once_per_content"):
        receive()

    assert len(kept(stored)) == 1


class TestSource:
    @pytest.fixture
    def source(self, north: Tenant) -> Any:
        with inside(north):
            return make_source("bills", kind="documents")

    def post(self, body: bytes, headers: dict[str, str]) -> Any:
        return Client(headers={"host": "localhost"}).post(
            "/in/north/bills", body, "application/xml", headers=headers
        )

    def test_a_signed_document_becomes_an_invoice(self, source: Any, north: Tenant) -> None:
        body = ubl_invoice()
        headers = signed_headers(body, own_id="m-1") | {"Filename": "Rechnung%20%C3%A4.xml"}

        answer = self.post(body, headers)

        assert (answer.status_code, answer.json()["duplicate"]) == (202, False)
        with inside(north):
            invoice = Invoice.objects.get()
            assert (invoice.channel, invoice.source_slug) == ("source", "bills")
            assert invoice.filename == "Rechnung ä.xml"
            assert str(invoice.event_id) == answer.json()["event_id"]
            event = Event.objects.get()
            assert (event.source, event.external_id) == (source, "m-1")

    def test_the_same_one_again_is_known(self, source: Any) -> None:
        body = ubl_invoice()

        first = self.post(body, signed_headers(body))
        again = self.post(body, signed_headers(body))

        assert again.json() == {"event_id": first.json()["event_id"], "duplicate": True}

    def test_nothing_is_kept_where_the_signature_does_not_fit(
        self, source: Any, north: Tenant, stored: Path
    ) -> None:
        body = ubl_invoice()

        answer = self.post(body + b" ", signed_headers(body))

        assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
        with inside(north):
            assert (Invoice.objects.count(), Event.objects.count()) == (0, 0)
        assert kept(stored) == []

    def test_the_test_button_sends_a_sample_that_is_marked(
        self, source: Any, north: Tenant
    ) -> None:
        with inside(north):
            first, second = (send_test_event(source=source).event for _n in range(2))

            assert first != second
            assert first.is_test
            assert Invoice.objects.get(event_id=first.pk).filename == "sample.xml"


def test_another_tenant_sees_nothing_of_it(tenant: Tenant, south: Tenant) -> None:
    invoice = make_invoice()

    with inside(south):
        with pytest.raises(services.InvoiceUnknown):
            services.get_invoice(invoice.pk)
        # The same document is new there, and a file of its own.
        assert not services.receive_invoice(
            chunks=[ubl_invoice()], filename="", content_type="", channel="api", by=ADA
        ).is_duplicate
