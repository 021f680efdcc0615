"""Celery's door to the audit trail."""

from typing import Any

import httpx
from celery import shared_task

from controlplane.audit import sink, verifying
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.schema import is_in_tenant


@shared_task(
    name="audit.send_checkpoint",
    autoretry_for=(OSError, httpx.HTTPError),
    max_retries=5,
    retry_backoff=True,
    retry_jitter=True,
)
def send_checkpoint(*, number: int, **_: Any) -> None:
    sink.send_checkpoint(number)


@shared_task(name="audit.verify")
def verify(*, by_kind: str, by_id: str, by_label: str, **_: Any) -> None:
    if not is_in_tenant():
        raise LookupError("people verify their own tenant's chain; for ours there is a command")
    verifying.run_verification(by=Actor(ActorKind(by_kind), by_id, by_label))
