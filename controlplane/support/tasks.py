"""Celery's door to support."""

import uuid
from typing import Any

from celery import shared_task

from controlplane.core.actor import system
from controlplane.support import services, telling


@shared_task(name="support.train")
def train(**_: Any) -> None:
    services.train_model(by=system("triage"))


@shared_task(name="support.mail_handed_over")
def mail_handed_over(*, ticket_id: str, **_: Any) -> None:
    telling.tell_handed_over(uuid.UUID(ticket_id))
