"""The second flow in a real n8n: a supplier's invoice is read, checked, matched and decided."""

from typing import Any

import pytest

from controlplane.approvals.models import Approval
from controlplane.core.actor import Actor, ActorKind
from controlplane.invoices.models import Invoice
from controlplane.invoices.services import correct_fields
from deploy.demo.member import MemberClient
from deploy.demo.story import STORY, Chapter
from tenants.context import inside
from tests.e2e.following import chapter_of, play, send, subject_id

pytestmark = pytest.mark.e2e

_APPROVER = Actor(ActorKind.MEMBER, "1", "Grace Okafor", frozenset({"approvals:decide"}))
CHAPTERS = [chapter for chapter in STORY if chapter.flow == "invoices"]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: f"{c.tenant}/{c.file}")
def test_an_invoice_ends_as_the_story_says(running: Any, eventually: Any, chapter: Chapter) -> None:
    followed = play(running, eventually, chapter)

    state = followed.state()
    assert (state.verdict, state.outcome) == (chapter.verdict, chapter.outcome)
    assert followed.audit(f"invoice.{chapter.outcome}") == 1
    eventually(lambda: followed.execution().status == "success", what="the execution ends")


def test_a_held_invoice_names_the_line_that_never_arrived(running: Any, eventually: Any) -> None:
    followed = send(running, chapter_of("invoices", "short-received.xml"))

    approval = eventually(followed.waiting, what="n8n waits")

    (reason,) = approval.reasons
    assert "Line 4 (Fitting on board)" in reason["message"]
    assert approval.amount is not None
    followed.decide("reject", "Not all arrived.")
    assert eventually(followed.outcome) == "rejected"


def test_a_hostile_document_is_kept_apart_and_its_reason_told(
    running: Any, eventually: Any
) -> None:
    followed = play(running, eventually, chapter_of("invoices", "hostile.xml"))

    with inside(followed.place.tenant):
        invoice = Invoice.objects.get(pk=subject_id(followed))
    assert invoice.quarantine_code == "xml_doctype"
    assert invoice.verdict == "reject"


def test_n8n_holds_neither_the_document_nor_who_sent_it(running: Any, eventually: Any) -> None:
    followed = play(running, eventually, chapter_of("invoices", "all-received.xml"))

    execution = eventually(lambda: (e := followed.execution()).status == "success" and e)
    data = str(execution.data)
    with inside(followed.place.tenant):
        invoice = Invoice.objects.get(pk=subject_id(followed))
    assert str(invoice.pk) in data
    for private in (invoice.normal["iban"], "<cbc:", invoice.normal["seller"]["street"]):
        assert private
        assert private not in data


def test_fields_that_are_confirmed_while_n8n_waits_end_its_run_well(
    running: Any, eventually: Any
) -> None:
    followed = send(running, chapter_of("invoices", "plain.pdf"))
    approval = eventually(followed.waiting, what="n8n waits")
    member = MemberClient(followed.place)
    refused = member.decide(str(approval.pk), "approve", "Unread.")
    member.close()
    assert (refused.status_code, refused.json()["code"]) == (409, "approval_not_ready")

    with inside(followed.place.tenant):
        invoice = correct_fields(
            invoice_id=subject_id(followed), fields=_as_read(approval), by=_APPROVER
        )

    assert not invoice.needs_check
    renewed = followed.approval()
    assert renewed is not None
    assert (renewed.pk, renewed.status) == (approval.pk, "pending")
    assert renewed.revision == str(invoice.decision_id) != approval.revision
    followed.decide("approve", "Read it, and it is ours.")
    assert eventually(followed.outcome) == "accepted"
    eventually(lambda: followed.execution().status == "success", what="the execution ends")


def _as_read(approval: Approval) -> dict[str, Any]:
    """What stands on the paper, under a number that no run before had."""
    return {
        "number": f"P-{approval.pk}",
        "issue_date": "2026-03-01",
        "currency": "USD",
        "supplier_name": "Prairie Paper",
        "net": "100.00",
        "tax": "0.00",
        "gross": "100.00",
        "lines": [{"name": "Paper", "quantity": "1", "unit_price": "100.00", "net": "100.00"}],
    }
