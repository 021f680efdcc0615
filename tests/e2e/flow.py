"""Sending an order and following it, as the flow's tests need it."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings

from controlplane.approvals.models import Approval, Waiter
from controlplane.approvals.services import latest_for
from controlplane.audit.models import Entry
from controlplane.events.models import Event
from controlplane.events.shopify import ID_HEADER, SIGNATURE_HEADER, TOPIC_HEADER, sign
from controlplane.instances.client.executions import Execution
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from controlplane.orders.models import Order
from deploy.demo.flows import first_number
from deploy.demo.flows.orders import fresh_order
from deploy.demo.world import Place
from tenants.context import inside

_numbers = itertools.count(first_number() * 10)


def signed(place: Place, body: bytes, *, webhook_id: str = "") -> dict[str, str]:
    headers = {
        SIGNATURE_HEADER: sign(body, place.secrets["shopify"]),
        TOPIC_HEADER: "orders/create",
        "Content-Type": "application/json",
    }
    return {**headers, ID_HEADER: webhook_id} if webhook_id else headers


def post(place: Place, body: bytes, headers: dict[str, str]) -> httpx.Response:
    url = f"{settings.PUBLIC_URL}/in/{place.tenant.slug}/shopify"
    return httpx.post(url, content=body, headers=headers, timeout=10, trust_env=False)


@dataclass(frozen=True)
class Sent:
    """An order that was sent to a tenant."""

    place: Place
    event_id: str
    body: bytes

    def event(self) -> Event:
        with inside(self.place.tenant):
            return Event.objects.get(pk=self.event_id)

    def order(self) -> Order | None:
        with inside(self.place.tenant):
            return Order.objects.filter(event_id=self.event_id).first()

    def outcome(self) -> str:
        order = self.order()
        return order.outcome if order else ""

    def approval(self) -> Approval | None:
        order = self.order()
        if order is None:
            return None
        with inside(self.place.tenant):
            return latest_for("order", order.pk)

    def waiting(self) -> Approval | None:
        """The approval, once n8n has put the execution to sleep."""
        approval = self.approval()
        if approval is None or not approval.is_pending:
            return None
        return approval if self.execution().status == "waiting" else None

    def execution(self) -> Execution:
        with inside(self.place.tenant), client_for(Workspace.current()) as n8n:
            return n8n.get_execution(self.event().execution_id, with_data=True)

    def waiters(self) -> list[Waiter]:
        approval = self.approval()
        with inside(self.place.tenant):
            return list(Waiter.objects.filter(approval=approval))

    def audit(self, action: str) -> int:
        """How many audit entries of this action speak of the order or of its approval."""
        order, approval = self.order(), self.approval()
        subjects = [str(row.pk) for row in (order, approval) if row is not None]
        with inside(self.place.tenant):
            return Entry.objects.filter(action=action, subject_id__in=subjects).count()


def send(place: Place, file: str = "eur_small", **changes: Any) -> Sent:
    """A new order, made of a file of tests/data/orders, through the front door."""
    number = next(_numbers)
    order = {**fresh_order(file, number), "name": f"#{number}", **changes}
    body = json.dumps(order, ensure_ascii=False).encode()
    answer = post(place, body, signed(place, body, webhook_id=f"e2e-{number}"))
    assert answer.status_code == 202, answer.text
    return Sent(place, answer.json()["event_id"], body)
