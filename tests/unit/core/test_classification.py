"""Which field is what, and what is withheld of a row that was read."""

import pytest

from controlplane.approvals.models import Approval
from controlplane.core.classification import Classification, Kind, kind_of
from controlplane.core.withholding import is_withheld, withholding_payload
from controlplane.events.models import Event, Source
from controlplane.knowledge.models import Document
from tenants.models import Tenant


def test_a_field_is_classified_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Classification(health="status", payload="status")


@pytest.mark.parametrize(
    ("model", "path", "kind"),
    [
        (Approval, "status", Kind.HEALTH),
        (Approval, "title", Kind.PAYLOAD),
        (Approval, "created_at", Kind.HEALTH),
        (Source, "secret", Kind.SECRET),
        (Event, "source__name", Kind.HEALTH),
        (Event, "source__secret", Kind.SECRET),
        (Document, "collection__name", Kind.HEALTH),
        (Tenant, "name", Kind.HEALTH),
    ],
)
def test_a_path_has_the_kind_of_its_last_field(model: type, path: str, kind: Kind) -> None:
    assert kind_of(model, path) is kind


def test_what_a_query_adds_counts_as_payload() -> None:
    assert kind_of(Document, "state") is Kind.PAYLOAD


def test_nothing_is_withheld_unless_a_door_says_so() -> None:
    assert not is_withheld(Approval, "title")
    with withholding_payload():
        assert is_withheld(Approval, "title")
        assert not is_withheld(Approval, "status")
        with withholding_payload(False):
            assert not is_withheld(Approval, "title")
    assert not is_withheld(Approval, "title")
