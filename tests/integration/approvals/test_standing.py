"""What an approval lets happen, whatever it is that was approved."""

import pytest

from controlplane.approvals.models import Approval, Vote
from controlplane.approvals.services import decide
from controlplane.approvals.standing import why_not_approved
from tenants.models import Tenant
from tests.factories.approvals import make_approval, make_order
from tests.factories.events import ADA, make_workspace


def why(approval: Approval, revision: str | None = None) -> str:
    return why_not_approved(
        approval.subject_type,
        approval.subject_id,
        approval.revision if revision is None else revision,
        changed="the order was judged again",
    )


@pytest.fixture
def approval(tenant: Tenant) -> Approval:
    make_workspace()
    return make_approval()


def answer(approval: Approval, decision: Vote.Decision) -> None:
    decide(approval_id=approval.pk, decision=decision, comment="", by=ADA)


def test_what_was_approved_may_be_done(approval: Approval) -> None:
    answer(approval, Vote.Decision.APPROVE)

    assert why(approval) == ""


def test_what_waits_or_was_rejected_may_not(approval: Approval) -> None:
    assert why(approval) == "its approval is pending"

    answer(approval, Vote.Decision.REJECT)

    assert why(approval) == "its approval is rejected"


def test_an_approval_is_for_one_revision_only(approval: Approval) -> None:
    answer(approval, Vote.Decision.APPROVE)

    assert why(approval, "another") == "the order was judged again since it was put to somebody"


def test_without_an_approval_nothing_may_be_done(approval: Approval) -> None:
    other = make_order(1002)

    assert why_not_approved("order", other.pk, other.decision_id, changed="") == (
        "nobody was asked to approve it"
    )
