"""Orders, approvals, sources, listeners and an installation."""

from pathlib import Path
from tempfile import TemporaryDirectory

from controlplane.events.delivery import _digest
from controlplane.events.models import Delivery
from controlplane.events.services import send_test_event
from tenants.context import outside
from tests.factories.approvals import make_approval, make_order
from tests.factories.events import make_source, make_subscription, make_workspace
from tests.factories.installations import make_installation, make_release
from tests.factories.world import Part

TOKEN = "one-time-token"


def part(url: str) -> Part:
    with outside(), TemporaryDirectory() as folder:
        release = make_release(Path(folder))
    workspace = make_workspace(url)
    source = make_source("north-only")
    order = make_order(email="kaja@example.com")
    approval = make_approval(make_order(1002), url=url)
    subscription = make_subscription(url)
    delivery = Delivery.objects.filter(event_id=order.event_id).get()
    Delivery.objects.filter(pk=delivery.pk).update(token_sha256=_digest(TOKEN))
    installation = make_installation(release)
    tested = send_test_event(source=source).event
    return Part(
        rows={
            "source": source.slug, "slug": source.slug, "template": "review-orders",
            "order_id": order.pk, "subject_id": order.pk, "event_id": order.event_id,
            "approval_id": approval.pk, "subscription_id": subscription.pk,
            "test_event": tested.pk, "delivery_id": delivery.pk,
            "installation_id": installation.pk, "waiter_id": approval.waiters.get().pk,
            "instance_id": workspace.instance_id, "entry_id": workspace.pk,
        },
        bodies={
            "api/v1/subscriptions": {
                "webhook_url": f"{url}/webhook/other", "event_types": ["order.created"],
                "workflow_id": "2",
            },
            "api/v1/deliveries/<uuid:delivery_id>/claim": {
                "token": TOKEN, "include_payload": True,
            },
            "api/v1/approvals/<uuid:approval_id>/decision": {"decision": "approve"},
            "approvals/<uuid:approval_id>/decision/": {"decision": "approve", "comment": "fine"},
            "sources/new/": {
                "name": "Second shop", "slug": "second", "secret": "", "kind": "shopify",
            },
            "templates/<slug:slug>/clone/": {"parameter-max_quantity": "7"},
            "installations/<uuid:installation_id>/parameters/": {"parameter-max_quantity": "8"},
        },
        inputs={
            "order.record_outcome": {"outcome": "accepted"},
            "approval.request": {"subject_type": "order"},
            "approval.comment": {"text": "Please look."},
            "audit.record": {"action": "order.seen", "subject_type": "order", "subject_id": "1"},
        },
        # A name in a route that means another row there than elsewhere.
        aliases={("templates", "slug"): "template", ("sources", "event_id"): "test_event"},
        references={"events.deliver": "delivery_id", "approvals.resume": "waiter_id"},
        secrets={"Hafenstraße", "kaja@example.com", "north-only"},
    )  # fmt: skip
