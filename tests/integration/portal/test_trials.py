"""What comes of a test event says so wherever people meet it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.approvals.models import Approval
from controlplane.core.actor import Actor
from controlplane.events.models import Delivery, Event
from controlplane.events.services import create_source
from controlplane.invoices.models import Invoice
from controlplane.support.models import Ticket
from tenants.context import inside
from tenants.models import Tenant

Browser = Callable[..., Client]
MARK = re.compile(r'class="pill[^"]*"[^>]*>.*?Test<', re.DOTALL)


@pytest.mark.parametrize(
    ("kind", "model", "part"),
    [("documents", Invoice, "invoices"), ("tickets", Ticket, "tickets")],
)
def test_a_test_is_followed_to_its_verdict_and_marked(
    north: Tenant,
    browser: Browser,
    member_actor: Actor,
    kind: str,
    model: type[Invoice | Ticket],
    part: str,
) -> None:
    with inside(north):
        create_source(slug="desk", name="Desk", kind=kind, by=member_actor)
    client = browser(north, role="manager")
    client.post("/sources/desk/test/")
    with inside(north):
        event = Event.objects.get()
        Delivery.objects.create(event=event, status=Delivery.Status.DELIVERED)
        thing = model.objects.get()
        approval = Approval.objects.create(
            subject_type=part[:-1], subject_id=thing.pk, title="Of the sample",
            expires_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
    state = client.get(f"/sources/desk/test/{event.pk}/").content.decode()
    assert "The workflow is at work" in state
    assert "hx-get" in state
    with inside(north):
        model.objects.update(status="quarantined" if model is Invoice else "handed_over")
    state = client.get(f"/sources/desk/test/{event.pk}/").content.decode()
    assert "hx-get" not in state
    assert "was judged:" in state
    address = f"/{part}/{thing.pk}/"
    assert address in state
    for page in (f"/{part}/", address, "/approvals/", f"/approvals/{approval.pk}/"):
        assert MARK.search(client.get(page).content.decode()), page
    with inside(north):
        Event.objects.update(is_test=False)
        Ticket.objects.update(is_test=False)
    for page in (f"/{part}/", address, "/approvals/", f"/approvals/{approval.pk}/"):
        assert not MARK.search(client.get(page).content.decode()), page
