"""Every node operation, with another tenant's rows."""

import pytest
from django.db import transaction

from controlplane.nodes.operation import Operation
from controlplane.nodes.registry import all_operations
from tests.conftest import ALL_SCOPES
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells
from tests.integration.isolation.world import World


@pytest.mark.parametrize("operation", all_operations(), ids=lambda operation: operation.key)
def test_an_operation_finds_no_row_of_another_tenant(
    operation: Operation, world: World, callers: Callers
) -> None:
    cells = Cells("operations")
    body, path = world.input_of(operation), f"/api/v1/{operation.path}"
    sent = world.sent(operation, body)
    others = [scope for scope in ALL_SCOPES if scope != operation.scope]
    other = next(one.key for one in all_operations() if one.key != operation.key)
    narrow = callers.machine_for([other])
    partial, before = callers.machine_with(others), world.state()
    names_a_row = any(str(value) in world.keys for value in body.values())
    with transaction.atomic():
        for caller in [c for c in callers.foreign if c.way == "key"]:
            answer = caller.client("localhost").generic("POST", path, *sent)
            shown = answer.content.decode() + str(dict(answer.headers))
            wrong = world.told_in(shown, given=str(body))
            if answer.status_code != (404 if names_a_row else 200):
                wrong.append(f"it answers {answer.status_code}: {answer.content!r}")
            cells.refused(f"{operation.key} by {caller.name}", *wrong)
        answer = partial.client("localhost").generic("POST", path, *sent)
        wrong = [] if answer.status_code == 403 else [f"it answers {answer.status_code}"]
        cells.refused(f"{operation.key} by an own key with every other scope", *wrong)
        answer = narrow.client("localhost").generic("POST", path, *sent)
        wrong = [] if answer.status_code == 403 else [f"it answers {answer.status_code}"]
        cells.refused(f"{operation.key} by an own key for another operation", *wrong)
        if world.state() != before:
            cells.refused(operation.key, "something of the tenant changed")
        transaction.set_rollback(True)
    cells.assert_no_leak()

    with transaction.atomic():
        own = callers.machine.client("localhost").generic("POST", path, *sent)
        transaction.set_rollback(True)
    assert own.status_code == 200, own.json()


def test_the_keys_of_the_matrix_have_every_scope() -> None:
    assert {operation.scope for operation in all_operations()} <= set(ALL_SCOPES), (
        "add the new scope to ALL_SCOPES in tests/conftest.py"
    )
