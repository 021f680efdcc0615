"""Which terms an approval gets."""

from decimal import Decimal
from typing import Any

import pytest

from controlplane.approvals.models import Approval, Route
from controlplane.approvals.routes import RouteInvalid, choose_terms, delete_route, save_route
from controlplane.approvals.services import (
    decide,
)
from controlplane.approvals.subjects import Subject
from controlplane.approvals.terms import Terms, TermsInvalid
from controlplane.audit.models import Entry
from controlplane.core.actor import Actor
from controlplane.core.money import Money
from tenants.models import Tenant
from tests.factories.approvals import make_approval
from tests.factories.approvers import BY, make_person, make_route
from tests.factories.events import make_workspace


@pytest.fixture(autouse=True)
def _workspace(tenant: Tenant) -> None:
    make_workspace()


@pytest.fixture
def ada(tenant: Tenant) -> Actor:
    return make_person(tenant, "ada")


def yes(approval: Approval, by: Actor, **more: Any) -> Approval:
    return decide(approval_id=approval.pk, decision="approve", comment="", by=by, **more)


def subject(**fields: Any) -> Subject:
    given: dict[str, Any] = {"kind": "order", "id": BY.id, "title": "Order", "summary": ""}
    return Subject(**(given | fields))


def test_the_route_that_says_most_counts() -> None:
    make_route("All", rejections=2)
    make_route("Orders", subject_type="order", rejections=3)
    make_route("Dear", currency="EUR", amount_from=Decimal(1000), rejections=4)
    make_route("Dear orders", subject_type="order", currency="EUR", amount_from=Decimal(1000),
               rejections=5)  # fmt: skip
    make_route("Dearer orders", subject_type="order", currency="EUR",
               amount_from=Decimal(5000), rejections=6)  # fmt: skip
    make_route("Limit", subject_type="order", reasons=["over_limit"], rejections=7)
    make_route("Asleep", subject_type="order", reasons=["over_limit"], currency="EUR",
               is_active=False, rejections=8)  # fmt: skip

    def chosen(**fields: Any) -> str:
        return choose_terms(subject(**fields)).route

    assert chosen(kind="ticket") == "All"
    assert chosen() == "Orders"
    assert chosen(kind="invoice", amount=Money(Decimal("1000"), "EUR")) == "Dear"
    assert chosen(amount=Money(Decimal("999.9999"), "EUR")) == "Orders"
    assert chosen(amount=Money(Decimal("1000"), "EUR")) == "Dear orders"
    assert chosen(amount=Money(Decimal("9000"), "EUR")) == "Dearer orders"
    assert chosen(amount=Money(Decimal("9000"), "USD")) == "Orders", "no rate is guessed"
    assert chosen(reasons=[{"code": "over_limit"}]) == "Limit"


def test_a_subject_may_bring_its_own_terms() -> None:
    make_route("All", rejections=2)

    assert choose_terms(subject(terms=Terms(rejections=3))).terms.rejections == 3


def test_a_changed_route_leaves_what_waits_alone(ada: Actor) -> None:
    route = make_route(steps=[{"quorum": 2}])
    approval = make_approval()

    save_route(route=route, by=BY, terms={})

    assert approval.route == "Orders"
    assert yes(approval, ada).is_pending
    delete_route(route=route, by=BY)
    assert not Route.objects.exists()
    assert Entry.objects.filter(action__startswith="approval_route.").count() == 3


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"amount_from": Decimal(1)}, "currency"),
        ({"currency": "EUR", "amount_from": Decimal(2), "amount_below": Decimal(2)},
         "amount_below"),
        ({"currency": "euro"}, "currency"),
        ({"steps": [{"groups": ["nobody"]}]}, "terms"),
    ],
)  # fmt: skip
def test_a_route_at_fault_names_the_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(RouteInvalid) as caught:
        make_route(**({"name": "Odd"} | fields))

    assert field in {each.field for each in caught.value.errors}
    assert not Route.objects.exists()


def test_a_name_is_taken_once_and_terms_are_checked() -> None:
    make_route("Orders")

    with pytest.raises(RouteInvalid, match="already"):
        make_route("Orders")
    with pytest.raises(TermsInvalid, match="hours"):
        make_route("Ladder", steps=[{}, {}])
    assert Route.objects.count() == 1
