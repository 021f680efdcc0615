"""Work for later: enqueued by name after commit, run by Celery inside the tenant it came from.

Services call `enqueue_on_commit` and never import tasks. The message carries ids only; the tenant
travels in a header that the task base reads (`tenants.taskbase`).
"""

import threading
from functools import partial

from celery import current_app
from django.db import transaction

from controlplane.core.lanes import lane_of
from controlplane.core.schema import entered_schema, is_in_tenant

TENANT_HEADER = "pergola_tenant"

_importing, _are_known = threading.Lock(), threading.Event()

JSON = str | int | bool | None


class UnknownJob(Exception):
    """A job was enqueued by a name that no task has."""


def enqueue_on_commit(name: str, **arguments: JSON) -> None:
    """Send the task called `name` when the open transaction commits. Raises UnknownJob at once."""
    _know_tasks()
    if name not in current_app.tasks:
        raise UnknownJob(name)
    schema = entered_schema()
    send = partial(
        current_app.send_task,
        name,
        kwargs=arguments,
        headers={TENANT_HEADER: schema},
        queue=lane_of(schema) if is_in_tenant() else None,
    )
    transaction.on_commit(send, robust=False)


def _know_tasks() -> None:
    """Once in each process: Celery runs all of Django's checks whenever it is told to import."""
    if _are_known.is_set():
        return
    # A thread that comes meanwhile would see half of them.
    with _importing:
        if not _are_known.is_set():
            current_app.loader.import_default_modules()
            _are_known.set()
