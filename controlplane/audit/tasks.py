"""Celery's door to the audit trail."""

from typing import Any

import httpx
from celery import shared_task

from controlplane.audit import sink


@shared_task(
    name="audit.send_checkpoint",
    autoretry_for=(OSError, httpx.HTTPError),
    max_retries=5,
    retry_backoff=True,
    retry_jitter=True,
)
def send_checkpoint(*, number: int, **_: Any) -> None:
    sink.send_checkpoint(number)
