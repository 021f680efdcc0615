"""Celery's door to approvals."""

import uuid
from typing import Any

from celery import shared_task

from controlplane.approvals import mail, services
from tenants.fleet import run_everywhere


@shared_task(name="approvals.mail_waiting")
def mail_waiting(*, approval_id: str, **_: Any) -> None:
    mail.mail_waiting(uuid.UUID(approval_id))


@shared_task(name="approvals.expire_overdue_everywhere")
def expire_overdue_everywhere(**_: Any) -> None:
    run_everywhere(services.expire_overdue)
