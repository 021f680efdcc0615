"""What reaches the logs, and what must not."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from controlplane.core import logs

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """What was logged, line by line, as a collector would read it."""
    root = logging.getLogger()
    level = root.level
    monkeypatch.setattr(root, "handlers", [])
    logs.configure("INFO")
    written = io.StringIO()
    root.handlers[0].setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.setLevel(level)


def test_a_line_carries_what_is_bound_around_it(lines: Lines) -> None:
    log = logs.get_logger("pergola.test")
    with logs.bound(tenant="north"), logs.bound(event_id="e1"):
        log.info("event.received", source="shop")
        logging.getLogger("library").info("by a library")

    ours, theirs = lines()
    assert (ours["event"], ours["tenant"], ours["source"]) == ("event.received", "north", "shop")
    assert (theirs["event"], theirs["event_id"]) == ("by a library", "e1")


def test_a_traceback_names_places_and_no_values(lines: Lines) -> None:
    def fail(password: str) -> None:
        raise RuntimeError("it failed")

    try:
        fail("correct horse battery")
    except RuntimeError:
        logs.get_logger("pergola.test").exception("request.failed")

    (line,) = lines()
    assert line["exception"][0]["exc_type"] == "RuntimeError"
    assert line["exception"][0]["frames"][-1]["name"] == "fail"
    assert "correct horse" not in json.dumps(line)
