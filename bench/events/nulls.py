"""Celery with a task that does nothing, on the same Redis: the peer of the relay's null sink."""

import os

from celery import Celery

app = Celery("nulls", broker=os.environ["REDIS_URL"])
app.conf.task_ignore_result = True
app.conf.task_default_queue = "bench-nulls"


@app.task(name="bench.null")
def null(reference: str) -> None:
    """Nothing."""
