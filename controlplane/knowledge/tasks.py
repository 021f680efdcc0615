"""Celery's door to knowledge."""

import uuid
from typing import Any

from celery import current_task, shared_task

from controlplane.core.sandbox import Busy
from controlplane.knowledge.index.weaviate_client import IndexUnreachable
from controlplane.knowledge.services import indexing, reading
from tenants.fleet import run_everywhere

MOST_RETRIES = 4


@shared_task(
    name="knowledge.ingest",
    autoretry_for=(Busy,),
    retry_backoff=30,
    retry_backoff_max=600,
    retry_jitter=True,
    retry_kwargs={"max_retries": MOST_RETRIES},
)
def ingest(*, version_id: str, **_: Any) -> None:
    is_last = current_task.request.retries >= MOST_RETRIES
    reading.read_version(uuid.UUID(version_id), is_last_try=is_last)


@shared_task(name="knowledge.ingest_waiting")
def ingest_waiting(**_: Any) -> None:
    run_everywhere(reading.ingest_waiting)


@shared_task(
    name="knowledge.index_version",
    autoretry_for=(IndexUnreachable,),
    retry_backoff=True,
    retry_kwargs={"max_retries": 10},
)
def index_version(*, version_id: str, **_: Any) -> None:
    indexing.index_version(uuid.UUID(version_id))


@shared_task(name="knowledge.tend_vectors")
def tend_vectors(**_: Any) -> None:
    indexing.tend_vectors()
