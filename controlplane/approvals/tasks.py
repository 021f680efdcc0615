"""Celery's door to approvals."""

import uuid
from typing import Any

from celery import shared_task

from controlplane.approvals import mail, services
from tenants.fleet import run_everywhere


@shared_task(name="approvals.mail_waiting")
def mail_waiting(*, approval_id: str, why: str = "asked", **_: Any) -> None:
    mail.mail_waiting(uuid.UUID(approval_id), why=why)


@shared_task(name="approvals.advance_everywhere")
def advance_everywhere(**_: Any) -> None:
    """Reminders, next steps and expiries that are due."""
    run_everywhere(services.advance_due)
