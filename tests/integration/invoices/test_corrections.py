"""A person reads what no program could."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from controlplane.approvals.services import NotADecider
from controlplane.audit.models import Entry
from controlplane.core.actor import Actor, ActorKind
from controlplane.invoices import services
from controlplane.invoices.models import Invoice
from tenants.models import Tenant
from tests.factories.invoices import ADA, IBAN, make_invoice, make_purchase_order

PDF = Path("tests/data/invoices/no-xml.pdf")
FIELDS: dict[str, Any] = {
    "number": "R-7",
    "issue_date": "2026-03-01",
    "due_date": "",
    "currency": "eur",
    "supplier_name": "Nordwind Seile GmbH",
    "supplier_vat_id": "DE123456789",
    "order_reference": "PO-1",
    "iban": "DE89 3704 0044 0532 0130 00",
    "net": "400.00",
    "tax": "76.00",
    "gross": "476.00",
    "lines": [
        {
            "name": "Mooring rope 10 mm",
            "seller_item_id": "ROPE-10",
            "quantity": "100",
            "unit": "C62",
            "unit_price": "4.00",
            "net": "400.00",
        }
    ],
}


@pytest.fixture
def scan(tenant: Tenant) -> Invoice:
    return make_invoice(content=PDF.read_bytes())


def correct(invoice: Invoice, by: Actor = ADA, **changes: Any) -> Invoice:
    return services.correct_fields(invoice_id=invoice.pk, fields=FIELDS | changes, by=by)


def faults(invoice: Invoice, **changes: Any) -> dict[str, str]:
    with pytest.raises(services.FieldsInvalid) as refused:
        correct(invoice, **changes)
    return {fault.field: fault.message for fault in refused.value.errors}


def test_it_waits_for_a_person_until_then(scan: Invoice) -> None:
    services.validate_invoice(invoice_id=scan.pk, by=ADA)
    matched = services.match_invoice(invoice_id=scan.pk, by=ADA)

    assert (matched.verdict, matched.status, matched.match) == ("hold", "to_check", None)
    assert [reason["code"] for reason in matched.reasons] == ["to_check"]
    assert (matched.is_valid, matched.errors, matched.warnings) == (False, 0, 1)


def test_what_was_typed_makes_it_an_invoice_like_any_other(
    scan: Invoice, terms: dict[str, Any]
) -> None:
    terms["matching"] = "two_way"
    make_purchase_order()
    services.validate_invoice(invoice_id=scan.pk, by=ADA)

    invoice = correct(scan)

    assert (invoice.reading_status, invoice.needs_check, invoice.problems) == ("read", False, [])
    assert (invoice.payable, invoice.currency, invoice.iban) == (Decimal("476.00"), "EUR", IBAN)
    assert invoice.due_date is None
    assert [str(line) for line in invoice.lines.all()] == ["100 × Mooring rope 10 mm"]
    assert (invoice.verdict, invoice.status) == ("accept", "matched")


def test_it_is_noted_with_what_was_changed(scan: Invoice) -> None:
    correct(scan)
    correct(scan, number="R-8")

    first, second = Entry.objects.filter(action="invoice.corrected").order_by("sequence")
    assert first.data["changed"]["number"] == {"from": "", "to": "R-7"}
    assert first.actor_label == "Ada Lovelace"
    assert second.data["changed"] == {"number": {"from": "R-7", "to": "R-8"}}


def test_an_approval_of_other_fields_does_not_count(scan: Invoice) -> None:
    before = services.match_invoice(invoice_id=scan.pk, by=ADA)

    invoice = correct(scan)

    assert (invoice.verdict, invoice.status) == ("hold", "held")
    assert invoice.decision_id != before.decision_id
    assert "to_check" not in {reason["code"] for reason in invoice.reasons}
    with pytest.raises(services.OutcomeNotAllowed, match="nobody was asked"):
        services.record_outcome(invoice_id=scan.pk, outcome="accepted", note="", by=ADA)


def test_a_number_that_is_known_is_found(scan: Invoice) -> None:
    other = make_invoice(number="R-7")

    assert correct(scan).duplicate_of == other


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": ""}, "number"),
        ({"gross": ""}, "gross"),
        ({"gross": "much"}, "gross"),
        ({"gross": "NaN"}, "gross"),
        ({"issue_date": "yesterday"}, "issue_date"),
        ({"currency": "EURO"}, "currency"),
        ({"iban": "DE89370400440532013001"}, "iban"),
        ({"iban": "nonsense"}, "iban"),
        ({"number": "R\x00"}, "number"),
        ({"colour": "red"}, "colour"),
        ({"lines": [{"name": "Rope", "quantity": "1"}]}, "lines.0.net"),
    ],
)
def test_what_is_no_field_of_an_invoice_is_named(
    scan: Invoice, changes: dict[str, Any], field: str
) -> None:
    assert list(faults(scan, **changes)) == [field]
    scan.refresh_from_db()
    assert scan.status == "to_check"


def test_electronic_data_is_never_overruled(tenant: Tenant) -> None:
    with pytest.raises(services.NothingToCorrect, match="is read"):
        correct(make_invoice())


def test_nor_is_what_was_quarantined_or_has_an_outcome(scan: Invoice) -> None:
    with pytest.raises(services.NothingToCorrect, match="quarantined"):
        correct(make_invoice(content=b"nothing"))
    services.record_outcome(invoice_id=scan.pk, outcome="rejected", note="", by=ADA)
    with pytest.raises(services.NothingToCorrect, match="rejected already"):
        correct(scan)


def test_a_machine_cannot_look_at_paper(scan: Invoice) -> None:
    with pytest.raises(services.NotAPerson):
        correct(scan, by=Actor(ActorKind.MACHINE, "key", "key"))


def test_who_only_looks_confirms_nothing(scan: Invoice) -> None:
    with pytest.raises(NotADecider, match="not confirm them"):
        correct(scan, by=Actor(ActorKind.MEMBER, "3", "Cid Ray"))
    scan.refresh_from_db()
    assert scan.needs_check


def test_xml_with_a_hole_in_it_keeps_its_lines(tenant: Tenant) -> None:
    from tests.factories.invoices import ubl_invoice

    content = ubl_invoice().replace(b"2026-03-01", b"March", 1)
    invoice = make_invoice(content=content)
    assert (invoice.status, invoice.number) == ("to_check", "R-1001")

    fixed = correct(invoice, number="R-1001", lines=None)

    assert fixed.lines.count() == 2
    assert str(fixed.issue_date) == "2026-03-01"
