"""What a hostile file can make a reader do, and that it stays in its process."""

import os
import sys
import tempfile
import threading
import time

import pytest

from controlplane.core import sandbox
from controlplane.core.turns import Turns


def misbehave(argument: str) -> object:
    """Run in the child, where this file is imported by path of the package."""
    if argument == "loop":
        while True:
            pass
    if argument == "memory":
        return len(bytearray(4 * 1024**3))
    if argument == "write":
        with open(os.path.join(tempfile.gettempdir(), "was-here"), "w") as file:
            file.write("x")
    if argument == "environment":
        return sorted(os.environ)
    if argument == "modules":
        return sorted(sys.modules)
    if argument == "flood":
        print("x" * 10_000_000, file=sys.stderr)
        return "answered"
    if argument == "large":
        return "x" * (sandbox.MOST_OUTPUT + 1)
    if argument == "print":
        print("a library's warning")
    return argument


HERE = "tests.unit.core.test_sandbox:misbehave"


def test_an_answer_comes_back_as_json() -> None:
    assert sandbox.run("json:dumps", {"a": [1]}) == '{"a": [1]}'


def test_what_a_library_prints_is_not_part_of_the_answer() -> None:
    assert sandbox.run(HERE, "print") == "print"


@pytest.mark.parametrize(("deed", "reason"), [("loop", "time"), ("memory", "memory")])
def test_too_much_time_or_memory_ends_it(deed: str, reason: str) -> None:
    with pytest.raises(sandbox.Failed) as failed:
        sandbox.run(HERE, deed, seconds=1, memory_mb=512)

    assert failed.value.reason == reason


def test_it_can_write_no_file() -> None:
    with pytest.raises(sandbox.Failed) as failed:
        sandbox.run(HERE, "write")

    assert failed.value.reason == "crash"


def test_it_sees_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "secret")

    assert "SECRET_KEY" not in sandbox.run(HERE, "environment")


def test_it_loads_neither_django_nor_celery() -> None:
    loaded = {name.partition(".")[0] for name in sandbox.run(HERE, "modules")}

    assert "controlplane" in loaded
    assert not loaded & {"celery", "django", "kombu"}


def test_what_it_complains_of_is_not_kept() -> None:
    assert sandbox.run(HERE, "flood") == "answered"


def test_an_answer_that_is_too_large_is_not_read() -> None:
    with pytest.raises(sandbox.Failed) as failed:
        sandbox.run(HERE, "large")

    assert failed.value.reason == "output"


def test_a_request_of_any_size_comes_through() -> None:
    assert sandbox.run("json:dumps", "x" * 300_000) == '"' + "x" * 300_000 + '"'


def test_few_run_at_once_and_the_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_turns", Turns(1))
    monkeypatch.setattr(sandbox, "PATIENCE", 0.2)
    failed: list[str] = []

    def run_long() -> None:
        with pytest.raises(sandbox.Failed) as caught:
            sandbox.run(HERE, "loop", seconds=2)
        failed.append(caught.value.reason)

    first = threading.Thread(target=run_long)
    first.start()
    while sandbox._turns._free:
        time.sleep(0.002)
    with pytest.raises(sandbox.Busy, match="Try again"):
        sandbox.run(HERE, "print")
    first.join()

    assert failed == ["time"]
    assert sandbox.run(HERE, "print") == "print"


def test_one_tenant_leaves_room_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_turns", Turns(2))
    monkeypatch.setattr(sandbox, "entered_key", lambda: "t_north")
    monkeypatch.setattr(sandbox, "PATIENCE", 0.2)

    with sandbox._room():
        with pytest.raises(sandbox.Busy):
            sandbox.run(HERE, "print")
        monkeypatch.setattr(sandbox, "entered_key", lambda: "t_south")
        assert sandbox.run(HERE, "print") == "print"
