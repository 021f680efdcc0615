"""Every list that drop-downs are filled from, with another tenant's rows."""

import pytest
from django.db import transaction

from controlplane.nodes import choices
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells
from tests.integration.isolation.world import World

# The people of a customer are those of its sandbox, too.
OF_THE_CUSTOMER = {"members"}


@pytest.mark.parametrize("name", sorted(choices.offered()))
def test_a_list_shows_no_row_of_another_tenant(name: str, world: World, callers: Callers) -> None:
    cells = Cells("choices")
    with transaction.atomic():
        for caller in [c for c in callers.foreign if c.way == "key"]:
            if name in OF_THE_CUSTOMER and caller.home == callers.sandbox.host:
                continue
            answer = caller.client("localhost").get(f"/api/v1/choices/{name}")
            wrong = world.told_in(answer.content.decode())
            if answer.status_code != 200:
                wrong.append(f"it answers {answer.status_code}")
            cells.refused(f"{name} by {caller.name}", *wrong)
        own = callers.machine.client("localhost").get(f"/api/v1/choices/{name}")
        transaction.set_rollback(True)
    cells.assert_no_leak()

    assert own.status_code == 200
