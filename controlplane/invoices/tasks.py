"""Background work of invoices."""

import uuid
from typing import Any

from celery import shared_task

from controlplane.core.actor import system
from controlplane.invoices import services


@shared_task(name="invoices.read")
def read(*, invoice_id: str, **_: Any) -> None:
    services.read_invoice(invoice_id=uuid.UUID(invoice_id), by=system("invoices"))
