"""Every task has a name of one form, a queue that is served, and a place of its own."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from controlplane.celery import app

app.loader.import_default_modules()
TASKS = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
NAME = re.compile(r"^(?P<app>[a-z]+)\.[a-z]+(_[a-z]+)*$")


def test_there_are_tasks() -> None:
    assert len(TASKS) >= 5


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_is_called_by_app_and_verb_and_lives_in_that_apps_tasks(name: str) -> None:
    found = NAME.match(name)

    assert found
    assert TASKS[name].__module__ in {f"controlplane.{found['app']}.tasks", f"{found['app']}.tasks"}
    assert name.endswith(f".{TASKS[name].__wrapped__.__name__}")


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_is_routed_to_a_queue_that_workers_serve(name: str) -> None:
    route = app.amqp.router.route({}, name)

    assert route["queue"].name in app.amqp.queues.consume_from


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_outlives_messages_of_other_versions(name: str) -> None:
    import inspect

    kinds = {p.kind for p in inspect.signature(TASKS[name].__wrapped__).parameters.values()}

    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    assert inspect.Parameter.VAR_KEYWORD in kinds


@pytest.mark.parametrize("entry", settings.CELERY_BEAT_SCHEDULE.values(), ids=lambda e: e["task"])
def test_what_is_scheduled_exists(entry: dict[str, Any]) -> None:
    assert entry["task"] in TASKS


def test_what_is_enqueued_by_name_exists() -> None:
    calls = [
        name
        for folder in ("controlplane", "tenants")
        for path in Path(settings.BASE_DIR, folder).rglob("*.py")
        for name in re.findall(r'enqueue_on_commit\(\s*"([^"]+)"', path.read_text())
    ]

    assert calls
    assert set(calls) <= set(TASKS)


def test_what_is_put_into_the_outbox_has_a_handler() -> None:
    from controlplane.events import outbox

    put = {
        name
        for path in Path(settings.BASE_DIR, "controlplane").rglob("*.py")
        for name in re.findall(r'outbox\.put\("([^"]+)"', path.read_text())
    }

    assert put
    assert put == set(outbox._handlers)
