"""Which cases fit which template, and what is told where one comes out otherwise."""

from typing import Any

import pytest

from controlplane.catalog.checks import release_faults
from controlplane.catalog.manifest import FAILED_RUN, Case, Manifest
from controlplane.catalog.trying.reading import Actual
from controlplane.catalog.trying.running import differences


def manifest(**given: Any) -> Manifest:
    return Manifest.model_validate(
        {"title": "T", "version": "1.0.0", "summary": "S", "n8n_minimum": "2.41.0",
         "scopes": ["exceptions:open"], **given}
    )  # fmt: skip


def flow(*types: str) -> dict[str, Any]:
    nodes = [
        {"id": kind, "name": kind, "type": kind, "typeVersion": 1, "position": [0, 0],
         "parameters": {"content": "What it does"}}
        for kind in (*types, "n8n-nodes-base.stickyNote")
    ]  # fmt: skip
    return {"nodes": nodes, "connections": {}, "settings": {}}


def case(type: str = "order.created", **expected: Any) -> Case:
    return Case.model_validate(
        {"title": "C", "parameters": {}, "event": {"type": type, "payload": {}},
         "expected": expected}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("node", "events", "type", "fits"),
    [
        ("n8n-nodes-base.errorTrigger", [], FAILED_RUN, True),
        ("n8n-nodes-base.errorTrigger", [], "order.created", False),
        ("n8n-nodes-pergola.pergolaTrigger", ["order.created"], "order.created", True),
        ("n8n-nodes-pergola.pergolaTrigger", ["order.created"], FAILED_RUN, False),
    ],
)
def test_a_case_brings_what_starts_the_workflow(
    node: str, events: list[str], type: str, fits: bool
) -> None:
    found = release_faults(manifest(events=events), flow(node), {"c": case(type)}, is_ours=True)

    assert (not found) is fits, found


def test_so_many_cases_are_the_most_since_each_is_a_run() -> None:
    starts = flow("n8n-nodes-pergola.pergolaTrigger")
    cases = {str(number): case("order.created") for number in range(31)}

    (fault,) = release_faults(manifest(events=["order.created"]), starts, cases, is_ours=True)

    assert fault.field == "cases"
    assert "30 are the most" in fault.message


def test_a_workflow_that_gives_no_verdict_is_asked_for_none() -> None:
    wanted = case(calls=["exception.open"], outcome="success", last={"type": "timeout"})
    came = Actual("", [], ["exception.open"], "success", last={"type": "timeout", "id": "1"})

    assert differences(wanted, came) == []


def test_what_the_last_call_gave_is_compared_by_field() -> None:
    wanted = case(verdict="hold", last={"assignee": "Ada", "type": "policy"})
    came = Actual("hold", last={"assignee": "Grace", "type": "policy"})

    assert differences(wanted, came) == ["assignee is Grace instead of Ada"]
    withheld = differences(wanted, came, withheld=True)
    assert withheld == ["assignee is something else instead of Ada"]
    assert differences(case(verdict="accept"), Actual("")) == [
        "the verdict is missing instead of accept"
    ]
    assert differences(case(), Actual("hold")) == ["the verdict is hold instead of none"]
