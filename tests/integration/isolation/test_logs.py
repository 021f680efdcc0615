"""A line that is written inside one tenant never names another, whichever door was used."""

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import structlog
from django.db import connection, transaction

from controlplane.core.jobs import TENANT_HEADER
from controlplane.core.logs import bound, get_logger
from controlplane.events import outbox
from tenants.context import inside, outside
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells
from tests.integration.isolation.doors import ADDRESSES, METHODS
from tests.integration.isolation.world import World

log = get_logger(__name__)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What is written from here on, as the root handler writes it."""
    root, stream = logging.getLogger(), io.StringIO()
    ours = next(
        handler for handler in root.handlers
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    )  # fmt: skip
    handler = logging.StreamHandler(stream)
    handler.setFormatter(ours.formatter)
    level = root.level
    root.addHandler(handler)
    root.setLevel("INFO")

    def written() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in stream.getvalue().splitlines()]
        stream.seek(0)
        stream.truncate()
        return found

    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def tenants_of(found: list[dict[str, Any]]) -> list[str | None]:
    return [line.get("tenant") for line in found if line["event"] == "seen"]


def test_a_line_names_the_tenant_that_is_entered(
    callers: Callers, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    cells = Cells("logs")
    north, south = callers.tenant, callers.neighbour
    log.info("seen")
    with inside(north):
        log.info("seen")
        logging.getLogger("some.library").info("seen")
        with suppress(ZeroDivisionError), inside(south):
            log.info("seen")
            raise ZeroDivisionError
        log.info("seen")
        with outside():
            log.info("seen")
    log.info("seen")
    expected = [None, "north", "north", "south", "north", "north", None]
    for place, (found, wanted) in enumerate(zip(tenants_of(lines()), expected, strict=True)):
        cells.refused(f"line {place}", *([] if found == wanted else [f"{found}, not {wanted}"]))
    cells.assert_no_leak()


def test_threads_write_each_for_its_own_tenant(
    callers: Callers, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    cells, ready = Cells("logs"), threading.Barrier(2)

    def work(tenant: Any) -> None:
        for turn in range(20):
            with inside(tenant):
                ready.wait(timeout=10)
                log.info("seen", thread=tenant.slug, turn=turn)
        connection.close()

    threads = [
        threading.Thread(target=work, args=(tenant,))
        for tenant in (callers.tenant, callers.neighbour)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    found = [line for line in lines() if line["event"] == "seen"]
    for line in found:
        wrong = [] if line["tenant"] == line["thread"] else [f"it names {line['tenant']}"]
        cells.refused(f"thread {line['thread']}, turn {line['turn']}", *wrong)
    assert len(found) == 40
    cells.assert_no_leak()


def test_every_request_is_logged_with_its_own_tenant(
    world: World, callers: Callers, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    """The foreigners first: nothing of theirs is left when the tenant's own people come."""
    cells = Cells("logs")
    for address in ADDRESSES:
        own_host = address.host == "tenant"
        for caller, slug in ((callers.foreign_machine, "south"), (callers.machine, "north")):
            host = caller.home if own_host else "localhost"
            with transaction.atomic():
                world.call(caller.client(host), METHODS[0], address)
                transaction.set_rollback(True)
            named = {line.get("tenant") for line in lines()} - {None}
            # /in/<tenant>/ says in its path whose it is.
            allowed = {slug} | ({"north"} if address.route.startswith("in/") else set())
            wrong = [f"its lines name {named}"] if named - allowed else []
            cells.refused(f"{address} by {caller.name}", *wrong)
    cells.assert_no_leak()


def test_tasks_and_messages_are_logged_with_their_own_tenant(
    world: World,
    callers: Callers,
    lines: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from controlplane.celery import app
    from tests.integration.isolation.test_messages import message_of

    cells = Cells("logs")
    monkeypatch.setattr(app.tasks["support.train"], "run", lambda **_: log.info("seen"))
    monkeypatch.setitem(outbox._handlers, "events.deliver", lambda _row: log.info("seen"))
    for schema in ("t_south", "t_north", "t_south"):
        app.tasks["support.train"].apply(headers={TENANT_HEADER: schema}, throw=True)
        outbox.carry_out(message_of("events.deliver", schema, world.rows["delivery_id"]))
        named = tenants_of(lines())
        wrong = [] if named == [schema.removeprefix("t_")] * 2 else [f"its lines name {named}"]
        cells.refused(f"a task and a message of {schema}", *wrong)
    cells.assert_no_leak()


def test_a_request_begins_with_nothing_bound(
    world: World, callers: Callers, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    with bound(tenant="south", approval_id="left over"):
        callers.machine.client("localhost").get("/api/v1/whoami")

    assert not [line for line in lines() if "left over" in json.dumps(line)]
