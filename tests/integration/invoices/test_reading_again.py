"""What was not read for a reason that passes: a busy server, a lost message, a reader that died."""

from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import Retry
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.core import sandbox
from controlplane.events.intake import EventIdReused
from controlplane.events.models import Event
from controlplane.invoices import services, tasks
from controlplane.invoices.models import Invoice
from controlplane.invoices.reading import PASSING
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import make_source
from tests.factories.invoices import ADA, make_invoice, reading_in_process, ubl_invoice


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was enqueued: name, arguments, tenant."""
    calls: list[Any] = []

    def send(name: str, *, kwargs: Any, headers: Any, **_: Any) -> None:
        calls.append((name, kwargs, headers["pergola_tenant"]))

    monkeypatch.setattr("controlplane.core.jobs.current_app.send_task", send)
    return calls


def failing(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def fail(*_a: Any, **_k: Any) -> Any:
        raise failure

    monkeypatch.setattr(sandbox, "run", fail)


def quarantined(reason: str = "crash", **more: Any) -> Invoice:
    """Not read, judged and recorded as the template does it."""
    invoice = send_again(**more).invoice
    with pytest.MonkeyPatch.context() as patched:
        failing(patched, sandbox.Failed(reason))
        services.read_invoice(invoice_id=invoice.pk, by=ADA)
    services.match_invoice(invoice_id=invoice.pk, by=ADA)
    return services.record_outcome(invoice_id=invoice.pk, outcome="rejected", note="", by=ADA)


def send_again(content: bytes | None = None, **more: Any) -> services.Received:
    given: dict[str, Any] = {
        "chunks": [content or ubl_invoice()],
        "filename": "a.xml",
        "content_type": "",
        "channel": "api",
        "by": ADA,
    }
    return services.receive_invoice(**(given | more))


@pytest.mark.parametrize("reason", ["time", "memory", "crash", "output"])
def test_what_may_have_passed_is_read_anew_where_it_is_sent_again(
    tenant: Tenant, reason: str
) -> None:
    invoice = quarantined(reason)
    assert invoice.quarantine_code in PASSING
    assert (invoice.verdict, invoice.outcome) == ("reject", "rejected")

    again = send_again()

    assert (again.is_duplicate, again.invoice.pk) == (False, invoice.pk)
    assert (again.invoice.status, again.invoice.verdict, again.invoice.outcome) == (
        "received", "", "",
    )  # fmt: skip
    assert again.event.external_id == f"invoice:{invoice.pk}:2"
    assert again.event.pk != invoice.event_id
    assert Entry.objects.get(action="invoice.read_again").data["before"]["outcome"] == "rejected"
    with reading_in_process():
        read = services.extract_invoice(event_id=again.event.pk, by=ADA)
    assert (read.pk, read.status, read.number) == (invoice.pk, "read", "R-1001")
    assert read.quarantine_reason == ""
    # A workflow of the first event that is run again finds it too.
    assert invoice.event_id
    assert services.extract_invoice(event_id=invoice.event_id, by=ADA).pk == invoice.pk


def test_it_is_enqueued_and_every_try_is_an_event_of_its_own(
    tenant: Tenant, sent: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    invoice = quarantined()
    with django_capture_on_commit_callbacks(execute=True):
        send_again()
    with pytest.MonkeyPatch.context() as patched:
        failing(patched, sandbox.Failed("time"))
        services.read_invoice(invoice_id=invoice.pk, by=ADA)

    _invoice, event = services.read_again(invoice_id=invoice.pk, by=ADA)

    assert sent == [("invoices.read", {"invoice_id": str(invoice.pk)}, "t_north")]
    assert event.external_id == f"invoice:{invoice.pk}:3"
    assert Event.objects.count() == 3


def test_what_would_come_to_the_same_stays_a_duplicate(tenant: Tenant) -> None:
    hostile = b"<Invoice><"
    first = make_invoice(content=hostile)
    read = make_invoice()

    assert send_again(hostile).is_duplicate
    assert send_again().is_duplicate
    for invoice in (first, read):
        with pytest.raises(services.NothingToReadAgain):
            services.read_again(invoice_id=invoice.pk, by=ADA)
    assert Event.objects.count() == 2


def test_the_senders_number_still_makes_it_the_same(tenant: Tenant) -> None:
    source = make_source("mail", kind="documents")
    invoice = quarantined(source=source, external_id="42")

    def other_content() -> None:
        with pytest.raises(EventIdReused, match="number of another document"):
            send_again(b"%PDF-1.7 another", source=source, external_id="42")

    other_content()
    again = send_again(source=source, external_id="42")
    other_content()

    assert (again.is_duplicate, again.event.source) == (False, source)
    assert again.invoice.pk == invoice.pk


def test_another_tenants_document_is_not_read_again(tenant: Tenant, south: Tenant) -> None:
    invoice = quarantined()

    with inside(south), pytest.raises(services.InvoiceUnknown):
        services.read_again(invoice_id=invoice.pk, by=ADA)


class TestBusy:
    def test_a_clock_that_ran_out_quarantines_nothing_at_first(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invoice = make_invoice(read=False)
        failing(monkeypatch, sandbox.Late("time"))

        with pytest.raises(sandbox.Busy):
            services.read_invoice(invoice_id=invoice.pk, by=ADA)
        invoice.refresh_from_db()
        assert invoice.status == "received"

        last = services.read_invoice(invoice_id=invoice.pk, by=ADA, is_last_try=True)
        assert (last.status, last.quarantine_code) == ("quarantined", "took_too_long")

    def test_cpu_time_that_ran_out_does(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invoice = make_invoice(read=False)
        failing(monkeypatch, sandbox.Failed("time"))

        read = services.read_invoice(invoice_id=invoice.pk, by=ADA)

        assert read.quarantine_code == "took_too_long"

    @pytest.mark.parametrize("failure", [sandbox.Busy("busy"), sandbox.Late("time")])
    def test_the_task_tries_later_and_not_for_ever(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, failure: Exception
    ) -> None:
        invoice = make_invoice(read=False)
        failing(monkeypatch, failure)
        later: list[Any] = []

        def retry(**options: Any) -> Exception:
            later.append(options)
            return Retry()

        monkeypatch.setattr(tasks.read, "retry", retry)

        with pytest.raises(Retry):
            tasks.read(invoice_id=str(invoice.pk))

        [options] = later
        assert options["max_retries"] == tasks.MOST_RETRIES
        assert 0 <= options["countdown"] <= 30

    def test_the_tasks_last_try_is_the_last(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invoice = make_invoice(read=False)
        failing(monkeypatch, sandbox.Late("time"))
        tasks.read.apply(
            kwargs={"invoice_id": str(invoice.pk)}, retries=tasks.MOST_RETRIES, throw=True
        )

        invoice.refresh_from_db()
        assert invoice.quarantine_code == "took_too_long"


class TestWaiting:
    def waiting(self, minutes: float, number: str = "R-1") -> Invoice:
        invoice = make_invoice(read=False, number=number)
        Invoice.objects.filter(pk=invoice.pk).update(
            updated_at=timezone.now() - timedelta(minutes=minutes)
        )
        return invoice

    def test_what_waits_too_long_is_enqueued_in_its_tenant(
        self,
        north: Tenant,
        south: Tenant,
        sent: list[Any],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        with inside(north):
            late = self.waiting(11)
            self.waiting(9, "R-2")
            self.waiting(60 * 25, "R-3")
            make_invoice(number="R-4")
        with inside(south):
            other = self.waiting(30)

        with django_capture_on_commit_callbacks(execute=True):
            tasks.read_waiting()

        assert sorted(sent, key=lambda call: call[2]) == [
            ("invoices.read", {"invoice_id": str(late.pk)}, "t_north"),
            ("invoices.read", {"invoice_id": str(other.pk)}, "t_south"),
        ]

    def test_it_is_bounded(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("controlplane.invoices.services.again.MOST_AT_ONCE", 1)
        for number in ("R-1", "R-2"):
            self.waiting(20, number)

        assert services.read_waiting() == 1
