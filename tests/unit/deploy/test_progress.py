import io

import pytest
from rich.console import Console

from deploy.embedded import progress
from deploy.embedded.progress import Reporter, duration


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.fixture
def reporter():
    return Reporter(Console(file=io.StringIO(), force_terminal=False, width=40))


def printed(reporter):
    return reporter.console.file.getvalue().splitlines()


def test_step_says_what_it_does_and_how_long_it_took(reporter, clock):
    with reporter.step("Starting PostgreSQL"):
        clock.now += 2.34
    assert printed(reporter) == ["· Starting PostgreSQL …", "✓ Starting PostgreSQL: 2.3 s"]


def test_skipped_step_says_why(reporter):
    with reporter.step("Installing n8n 2.41.1") as step:
        step.skip("version 2.41.1 is installed")
    assert printed(reporter)[-1] == "✓ Installing n8n 2.41.1: version 2.41.1 is installed"


def test_long_step_is_seen_to_be_alive_without_a_flood(reporter, clock):
    with reporter.step("Installing n8n") as step:
        for _ in range(25):
            clock.now += 1
            step.update("[12] packages")
    assert [line for line in printed(reporter) if "…," not in line and "    …" in line] == [
        "    … 10 s, [12] packages",
        "    … 20 s, [12] packages",
    ]


def test_failed_step_is_marked_and_the_error_goes_on(reporter):
    with pytest.raises(ValueError, match="broken"), reporter.step("Starting Redis"):
        raise ValueError("broken")
    assert printed(reporter)[-1].startswith("✗ Starting Redis: failed after")


def test_interrupted_step_is_called_stopped(reporter):
    with pytest.raises(KeyboardInterrupt), reporter.step("Starting n8n"):
        raise KeyboardInterrupt
    assert printed(reporter)[-1].startswith("✗ Starting n8n: stopped after")


def test_terminal_shows_a_moving_line():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with Reporter(console).step("Installing n8n") as step:
        step.update("12 packages")
    assert "✓" in console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.9, "9.9 s"), (38.4, "38 s"), (125, "2 min 05 s")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text
