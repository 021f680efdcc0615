"""Every outbox handler × a message of another tenant; and what a bell may say."""

import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction

from controlplane.events import outbox
from controlplane.events.models import OutboxMessage
from tenants.context import current_schema, inside
from tests.integration.isolation import sources
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells
from tests.integration.isolation.world import World

HANDLERS = sorted(outbox._handlers)
GIVING_UP = sorted(outbox._told_given_up)
# NOTIFY reaches every session of the database: these carry nothing.
BELLS = {"controlplane/events/outbox.py": "SELECT pg_notify(%s, '')"}


def message_of(handler: str, schema: str, reference: uuid.UUID) -> outbox.Claimed:
    row = OutboxMessage.objects.create(schema_name=schema, handler=handler, reference=reference)
    return outbox.Claimed(row.pk, schema, handler, reference, row.attempts)


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_message_of_another_tenant_reaches_no_row(
    handler: str, world: World, callers: Callers
) -> None:
    cells = Cells("outbox")
    reference = world.row("outbox handler", handler, world.references)
    world.n8n.calls.clear()
    for schema in (callers.neighbour.schema_name, callers.sandbox.schema_name, "t_gone", "public"):
        with transaction.atomic():
            outbox.carry_out(message_of(handler, schema, reference))
            wrong = [f"its n8n was called: {call}" for call in world.n8n.calls]
            if world.has_changed:
                wrong.append("something of the tenant changed")
            transaction.set_rollback(True)
        cells.refused(f"{handler} in {schema}", *wrong)
    cells.assert_no_leak()


@pytest.mark.parametrize("handler", GIVING_UP)
def test_giving_up_a_message_of_another_tenant_reaches_no_row(
    handler: str, world: World, callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = Cells("outbox")
    reference = world.row("outbox handler", handler, world.references)
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 1)
    with transaction.atomic():
        message = message_of(handler, callers.neighbour.schema_name, reference)
        with suppress(ObjectDoesNotExist):
            outbox._postpone(message, "gone", None)
        wrong = ["something of the tenant changed"] if world.has_changed else []
        transaction.set_rollback(True)
    cells.refused(f"giving up {handler} in {callers.neighbour.schema_name}", *wrong)
    cells.assert_no_leak()


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_message_runs_in_its_own_tenant(
    handler: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, uuid.UUID]] = []
    note: Callable[[uuid.UUID], None] = lambda found: seen.append((current_schema(), found))  # noqa: E731
    monkeypatch.setitem(outbox._handlers, handler, note)
    reference = world.row("outbox handler", handler, world.references)
    with transaction.atomic():
        outbox.carry_out(message_of(handler, world.tenant.schema_name, reference))
        transaction.set_rollback(True)

    assert seen == [("t_north", reference)]


def test_a_bell_says_nothing(world: World) -> None:
    rung: list[tuple[str, Any]] = []

    def hear(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "pg_notify" in sql:
            # It may come in one message with what it tells of.
            said = sql[sql.index("SELECT pg_notify") :]
            rung.append((said, params[-said.count("%s") :]))
        return execute(sql, params, many, context)

    with inside(world.tenant), connection.execute_wrapper(hear):
        outbox.put(HANDLERS[0], uuid.uuid4())
    cells = Cells("outbox")
    for statement, given in rung:
        is_plain = statement in BELLS.values() and given == [outbox.CHANNEL]
        cells.refused("a notification", *([] if is_plain else [f"it says {statement} {given}"]))
    cells.assert_no_leak()


def test_every_bell_is_known() -> None:
    found = {
        path: text
        for path, text in sources.strings()
        if re.search(r"pg_notify|\bNOTIFY [a-z]", text)
    }

    assert found == BELLS, "every tenant may listen: send no payload, and say here that it is so"
