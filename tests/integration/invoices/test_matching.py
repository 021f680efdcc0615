"""Matching against what the tenant ordered and received, and the verdict of its policies."""

import threading
from typing import Any

import pytest
from django.db import connections

from controlplane.audit.models import Entry
from controlplane.core.actor import Actor, ActorKind
from controlplane.invoices import services
from controlplane.invoices.models import Invoice, PurchaseOrder
from controlplane.policies.models import Decision, Policy
from controlplane.policies.services import publish_policy
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.invoices import (
    ADA,
    make_goods_receipt,
    make_invoice,
    make_matched,
    make_purchase_order,
)


def codes(invoice: Invoice) -> list[str]:
    return [reason["code"] for reason in invoice.reasons]


def rematch(invoice: Invoice) -> Invoice:
    return services.match_invoice(invoice_id=invoice.pk, by=ADA)


def test_less_received_than_invoiced_is_held_and_names_the_line(tenant: Tenant) -> None:
    make_purchase_order()
    make_goods_receipt(received=[("1", "90"), ("2", "20")])

    invoice = make_matched()

    assert (invoice.verdict, invoice.status) == ("hold", "held")
    [reason] = invoice.reasons
    assert reason == {
        "code": "over_received",
        "message": "Line 1 (Mooring rope 10 mm): 100 invoiced, 90 received.",
        "verdict": "hold",
        "policy": "invoice-checks",
        "lines": ["1"],
    }
    assert invoice.match is not None
    assert [line["verdict"] for line in invoice.match["lines"]] == ["hold", "accept"]


def test_it_is_matched_again_when_the_rest_arrives(tenant: Tenant) -> None:
    make_purchase_order()
    make_goods_receipt(received=[("1", "90"), ("2", "20")])
    invoice = make_matched()
    held_by = invoice.decision_id

    make_goods_receipt("GR-2", received=[("1", "10")])
    invoice = rematch(invoice)

    assert (invoice.verdict, invoice.status) == ("accept", "matched")
    assert invoice.decision_id != held_by
    assert Decision.objects.count() == 2


def test_matched_again_with_nothing_new_the_decision_stands(tenant: Tenant) -> None:
    make_purchase_order()
    invoice = make_matched()
    decision = invoice.decision_id

    assert rematch(invoice).decision_id == decision
    assert Decision.objects.count() == 1
    assert Entry.objects.filter(action="invoice.matched").count() == 1


def test_a_change_of_the_policy_is_a_new_decision(tenant: Tenant) -> None:
    make_purchase_order()
    invoice = make_matched()
    policy = Policy.objects.get(slug="invoice-checks")
    policy.rules.filter(code="no_receipt").update(enabled=False)
    publish_policy(policy=policy, gated=False, by=ADA)

    assert rematch(invoice).verdict == "accept"


def test_a_new_parameter_is_a_new_decision(tenant: Tenant, terms: dict[str, Any]) -> None:
    make_purchase_order()
    invoice = make_matched()
    assert codes(invoice) == ["no_receipt"]

    terms["matching"] = "two_way"

    assert rematch(invoice).verdict == "accept"


def test_a_new_limit_is_a_new_decision_though_the_match_is_the_same(
    tenant: Tenant, terms: dict[str, Any]
) -> None:
    make_purchase_order()
    make_goods_receipt()
    assert make_matched().verdict == "accept"

    terms["approve_above"] = {"minor": 1, "currency": "EUR"}

    assert codes(rematch(Invoice.objects.get())) == ["over_limit"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "hold"),
        ({"price_tolerance_percent": "10"}, "accept"),
        ({"price_tolerance_percent": "9"}, "hold"),
        ({"price_tolerance": {"minor": 4000, "currency": "EUR"}}, "accept"),
        ({"price_tolerance": {"minor": 4000, "currency": "USD"}}, "hold"),
        (
            {
                "price_tolerance_percent": "10",
                "price_tolerance": {"minor": 3999, "currency": "EUR"},
            },
            "hold",
        ),
        ({"price_tolerance_percent": "lots"}, "hold"),
    ],
)
def test_price_tolerances(
    tenant: Tenant, terms: dict[str, Any], given: dict[str, Any], expected: str
) -> None:
    terms.update({"matching": "two_way"} | given)
    make_purchase_order(lines=[("ROPE-10", "100", "4.00")])

    assert make_matched([("ROPE-10", "100", "4.40")]).verdict == expected


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (None, []),
        ({"minor": 53550, "currency": "EUR"}, []),
        ({"minor": 53549, "currency": "EUR"}, ["over_limit"]),
        ({"minor": 10**9, "currency": "USD"}, ["no_limit_for_currency"]),
    ],
)
def test_approval_above_an_amount(
    tenant: Tenant, terms: dict[str, Any], limit: Any, expected: list[str]
) -> None:
    terms.update({"matching": "two_way", "approve_above": limit})
    make_purchase_order()

    assert codes(make_matched()) == expected


class TestHeldUnlessAPersonSaysSo:
    def test_without_an_order(self, tenant: Tenant) -> None:
        assert codes(make_matched(order="")) == ["no_order"]

    def test_of_an_order_that_is_not_known(self, tenant: Tenant) -> None:
        assert codes(make_matched()) == ["order_not_found"]

    def test_a_number_that_was_sent_before(self, tenant: Tenant, terms: dict[str, Any]) -> None:
        terms["matching"] = "two_way"
        make_purchase_order()
        make_invoice()

        again = make_matched(note="once more")

        assert "duplicate" in codes(again)
        assert "R-1001 was received on" in again.reasons[0]["message"]

    def test_before_the_rules_were_run(self, tenant: Tenant, terms: dict[str, Any]) -> None:
        terms["matching"] = "two_way"
        make_purchase_order()

        assert codes(rematch(make_invoice())) == ["not_validated"]

    def test_where_it_breaks_a_rule(self, tenant: Tenant, terms: dict[str, Any]) -> None:
        from tests.factories.invoices import ubl_invoice

        terms["matching"] = "two_way"
        make_purchase_order()
        content = ubl_invoice().replace(b'">85.50<', b'">85.51<', 1)

        invoice = make_matched(content=content)

        assert "rules_broken" in codes(invoice)
        assert invoice.errors >= 1
        assert any("BR-CO-14" in reason["message"] for reason in invoice.reasons)

    def test_a_cancelled_order(self, tenant: Tenant, terms: dict[str, Any]) -> None:
        terms["matching"] = "two_way"
        make_purchase_order(status="cancelled")

        assert codes(make_matched()) == ["order_cancelled"]

    def test_another_supplier(self, tenant: Tenant, terms: dict[str, Any]) -> None:
        terms["matching"] = "two_way"
        make_purchase_order(supplier_vat_id="DE000000000", supplier_name="Another")

        assert codes(make_matched()) == ["supplier_differs"]

    def test_another_currency(self, tenant: Tenant, terms: dict[str, Any]) -> None:
        terms["matching"] = "two_way"
        make_purchase_order(currency="USD")

        assert codes(make_matched()) == ["currency_differs"]


class TestInParts:
    def half(self, number: str, quantity: str = "50") -> Invoice:
        return make_matched([("ROPE-10", quantity, "4.00")], number=number)

    @pytest.fixture(autouse=True)
    def _ordered(self, tenant: Tenant) -> None:
        make_purchase_order(lines=[("ROPE-10", "100", "4.00")])
        make_goods_receipt(received=[("1", "100")])

    def accept(self, invoice: Invoice) -> None:
        services.record_outcome(invoice_id=invoice.pk, outcome="accepted", note="", by=ADA)

    def test_what_was_accepted_is_used_up(self) -> None:
        first = self.half("R-1")
        self.accept(first)
        second = self.half("R-2")
        self.accept(second)

        third = self.half("R-3", "1")

        assert (first.verdict, second.verdict) == ("accept", "accept")
        assert codes(third) == ["over_ordered", "over_received"]
        assert "1 invoiced after 100 before, 100 ordered" in third.reasons[0]["message"]

    def test_what_is_judged_so_is_used_up_before_it_is_paid(self) -> None:
        self.half("R-1", "100")

        assert self.half("R-2", "1").verdict == "hold"

    def test_what_is_held_or_rejected_uses_up_nothing(self) -> None:
        held = self.half("R-1", "101")
        assert held.verdict == "hold"
        rejected = self.half("R-2", "100")
        services.record_outcome(invoice_id=rejected.pk, outcome="rejected", note="", by=ADA)

        assert self.half("R-3", "100").verdict == "accept"

    def test_a_credit_note_gives_back(self) -> None:
        self.accept(self.half("R-1", "100"))
        credit = make_matched([("ROPE-10", "30", "4.00")], number="G-1", credits="R-1", order="")
        assert (credit.verdict, codes(credit)) == ("accept", [])
        self.accept(credit)

        assert self.half("R-2", "30").verdict == "accept"
        assert self.half("R-3", "1").verdict == "hold"

    def test_a_credit_note_never_gives_back_more(self) -> None:
        self.accept(self.half("R-1", "20"))

        credit = make_matched([("ROPE-10", "30", "4.00")], number="G-1", credits="R-1")

        assert codes(credit) == ["over_credited"]

    def test_a_credit_note_for_an_invoice_of_somebody_else(self) -> None:
        self.accept(self.half("R-1", "100"))

        credit = make_matched([("ROPE-10", "30", "4.00")], number="G-1", credits="R-9")

        assert codes(credit) == ["no_preceding_invoice"]


def test_an_invoice_with_an_outcome_keeps_its_match(tenant: Tenant) -> None:
    make_purchase_order()
    make_goods_receipt()
    invoice = make_matched()
    services.record_outcome(invoice_id=invoice.pk, outcome="accepted", note="", by=ADA)
    PurchaseOrder.objects.update(status="cancelled")

    again = rematch(invoice)

    assert (again.verdict, again.decision_id) == ("accept", invoice.decision_id)


def test_it_has_to_be_read_first(tenant: Tenant) -> None:
    with pytest.raises(services.InvoiceNotRead):
        rematch(make_invoice(read=False))


def test_a_policy_of_the_tenants_own(tenant: Tenant, terms: dict[str, Any]) -> None:
    terms["matching"] = "two_way"
    make_purchase_order()
    policy = Policy.objects.create(context="invoice", slug="ours", title="Ours")
    policy.rules.create(
        position=1,
        code="not_nordwind",
        verdict="reject",
        expression="invoice.supplier.vat_id == 'DE123456789' && match.line_count == 2",
        message="We no longer buy from {invoice.supplier.name}.",
    )
    publish_policy(policy=policy, by=Actor(ActorKind.MEMBER, "1", "Ada"))

    invoice = make_matched()

    assert invoice.verdict == "reject"
    assert invoice.reasons[0]["message"] == "We no longer buy from Nordwind Seile GmbH."


def test_two_invoices_of_one_order_matched_at_once_do_not_both_get_it(
    yard: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controlplane.core.jobs.current_app.send_task", lambda *_a, **_k: None)
    with inside(yard):
        make_purchase_order(lines=[("ROPE-10", "100", "4.00")])
        make_goods_receipt(received=[("1", "100")])
        ids = [make_invoice([("ROPE-10", "60", "4.00")], number=number).pk for number in ("1", "2")]
        for pk in ids:
            services.validate_invoice(invoice_id=pk, by=ADA)
    ready, verdicts = threading.Barrier(2), []

    def work(pk: Any) -> None:
        with inside(yard):
            ready.wait(10)
            verdicts.append(services.match_invoice(invoice_id=pk, by=ADA).verdict)
        connections.close_all()

    threads = [threading.Thread(target=work, args=[pk]) for pk in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(verdicts) == ["accept", "hold"]
