"""Celery's door to knowledge."""

import uuid
from typing import Any

from celery import shared_task

from controlplane.knowledge.index.weaviate_client import IndexUnreachable
from controlplane.knowledge.services import indexing, reading


@shared_task(name="knowledge.ingest")
def ingest(*, version_id: str, **_: Any) -> None:
    reading.read_version(uuid.UUID(version_id))


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
