"""Background work of invoices."""

import uuid
from typing import Any

from celery import current_task, shared_task

from controlplane.core.actor import system
from controlplane.core.sandbox import Busy
from controlplane.invoices import services
from tenants.fleet import run_everywhere

MOST_RETRIES = 4


@shared_task(
    name="invoices.read",
    autoretry_for=(Busy,),
    retry_backoff=30,
    retry_backoff_max=600,
    retry_jitter=True,
    retry_kwargs={"max_retries": MOST_RETRIES},
)
def read(*, invoice_id: str, **_: Any) -> None:
    is_last = current_task.request.retries >= MOST_RETRIES
    services.read_invoice(
        invoice_id=uuid.UUID(invoice_id), by=system("invoices"), is_last_try=is_last
    )


@shared_task(name="invoices.read_waiting")
def read_waiting(**_: Any) -> None:
    run_everywhere(services.read_waiting)
