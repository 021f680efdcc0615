"""What workflows ask about approvals, through the endpoints that their nodes call."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.approvals.groups import save_group
from controlplane.approvals.models import Approval, Comment, Route
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.approvals import make_approval, make_order
from tests.factories.approvers import make_person, make_route
from tests.factories.events import ADA, make_workspace

Call = Callable[..., Any]


@pytest.fixture
def approvals(north: Tenant) -> list[Approval]:
    with inside(north):
        make_workspace()
        make_route(steps=[{"quorum": 2}])
        return [
            make_approval(make_order(number), execution_id=f"{number}")
            for number in range(1001, 1006)
        ]


@pytest.fixture
def call(north: Tenant, machine: Callable[..., Client]) -> Call:
    client = machine(north)

    def post(operation: str, **given: Any) -> Any:
        return client.post(f"/api/v1/operations/approval/{operation}", given, "application/json")

    return post


def test_a_list_comes_in_pages_that_shift_by_nothing(
    north: Tenant, call: Call, approvals: list[Approval]
) -> None:
    first = call("list", limit=2).json()
    with inside(north):
        late = make_approval(make_order(1010), execution_id="99")
    second = call("list", limit=2, after=first["next_page"]).json()
    third = call("list", limit=2, after=second["next_page"]).json()

    pages = [first, second, third]
    seen = [each["approval_id"] for page in pages for each in page["approvals"]]
    assert seen == [str(each.pk) for each in reversed(approvals)]
    assert third["next_page"] == ""
    assert str(late.pk) not in seen


def test_a_list_is_filtered(north: Tenant, call: Call, approvals: list[Approval]) -> None:
    with inside(north):
        Approval.objects.filter(pk=approvals[0].pk).update(
            status="approved", decided_at=approvals[0].requested_at
        )

    def ids(**given: Any) -> list[str]:
        return [each["approval_id"] for each in call("list", **given).json()["approvals"]]

    assert ids(status="approved") == [str(approvals[0].pk)]
    assert len(ids()) == 4
    assert len(ids(status="any")) == 5
    assert ids(subject_id=str(approvals[2].subject_id)) == [str(approvals[2].pk)]
    assert ids(subject_type="invoice") == []


def test_a_list_is_of_a_group_or_a_route(
    north: Tenant, call: Call, approvals: list[Approval]
) -> None:
    with inside(north):
        save_group(group=None, slug="council", name="Council", member_ids=[], by=ADA)
        steps = [{"name": "First", "hours": 4}, {"groups": ["council"]}]
        councils = make_route("Council", steps=steps, subject_type="order", reasons=["odd"])
        plain = Route.objects.exclude(pk=councils.pk).get()
        Approval.objects.filter(pk=approvals[1].pk).update(
            terms=councils.terms, route=councils.name
        )

    def ids(**given: Any) -> list[str]:
        return [each["approval_id"] for each in call("list", **given).json()["approvals"]]

    assert ids(group="council") == [str(approvals[1].pk)]
    assert ids(route=str(councils.pk)) == [str(approvals[1].pk)]
    assert len(ids(route=str(plain.pk))) == 4
    assert ids(group="nobody") == []
    assert ids(route=str(uuid.uuid4())) == []


@pytest.mark.parametrize(
    ("given", "status", "field"),
    [
        ({"route": "x"}, 422, "route"),
        ({"route": "-" * 32}, 400, "route"),
        ({"group": "No Group"}, 422, "group"),
        ({"limit": 0}, 422, "limit"),
        ({"limit": 201}, 422, "limit"),
        ({"status": "odd"}, 422, "status"),
        ({"after": "x"}, 422, "after"),
        ({"after": "-" * 32}, 400, "after"),
        ({"subject_id": "-" * 36}, 400, "subject_id"),
        ({"more": 1}, 422, "more"),
    ],
)
def test_what_cannot_be_listed_names_the_field(
    call: Call, given: dict[str, Any], status: int, field: str
) -> None:
    answer = call("list", **given)

    assert answer.status_code == status
    assert [each["field"] for each in answer.json()["errors"]] == [field]


def test_where_it_stands_is_told_with_its_quorum(
    north: Tenant, call: Call, approvals: list[Approval]
) -> None:
    from controlplane.approvals.services import decide

    with inside(north):
        ada = make_person(north, "ada")
        decide(approval_id=approvals[0].pk, decision="approve", comment="", by=ada)

    told = call("get", approval_id=str(approvals[0].pk)).json()

    assert (told["status"], told["step"], told["agreed"], told["quorum"]) == ("pending", 1, 1, 2)


def test_a_workflow_comments_once(north: Tenant, call: Call, approvals: list[Approval]) -> None:
    given = {"approval_id": str(approvals[0].pk), "text": "The carrier was told."}

    assert call("comment", **given).status_code == 200
    assert call("comment", **given | {"text": ""}).status_code == 422
    unknown = call("comment", **given | {"approval_id": str(uuid.uuid4())})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "approval_unknown")
    with inside(north):
        comment = Comment.objects.get()
    assert (comment.text, comment.author_label) == ("The carrier was told.", "test key")
