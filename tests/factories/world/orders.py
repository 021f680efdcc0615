"""Orders, approvals, sources, listeners and an installation."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.utils import timezone

from controlplane.approvals.groups import save_group
from controlplane.approvals.models import Delegation
from controlplane.approvals.thread import attach, comment_on
from controlplane.events.delivery import _digest
from controlplane.events.models import Delivery
from controlplane.events.services import send_test_event
from tenants.context import outside
from tests.factories.approvals import make_approval, make_order
from tests.factories.approvers import make_route
from tests.factories.events import ADA, make_source, make_subscription, make_workspace
from tests.factories.installations import make_installation, make_release
from tests.factories.world import Part, Upload

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
    route = make_route("Dear orders")
    group = save_group(group=None, slug="council", name="Council", member_ids=[], by=ADA)
    delegation = Delegation.objects.create(
        principal_id="1", principal_label="Ada Lovelace", delegate_id="2",
        delegate_label="Ben Okri", ends_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    comment_on(approval_id=approval.pk, text="Overheard at the harbour", by=ADA)
    attachment = attach(
        approval_id=approval.pk, chunks=[b"quay wall"], filename="harbour.txt", by=ADA
    )
    return Part(
        rows={
            "source": source.slug, "slug": source.slug, "template": "review-orders",
            "order_id": order.pk, "subject_id": order.pk, "event_id": order.event_id,
            "approval_id": approval.pk, "subscription_id": subscription.pk,
            "test_event": tested.pk, "delivery_id": delivery.pk,
            "installation_id": installation.pk, "waiter_id": approval.waiters.get().pk,
            "instance_id": workspace.instance_id, "entry_id": workspace.pk,
            "route_id": route.pk, "group_id": group.pk, "delegation_id": delegation.pk,
            "attachment_id": attachment.pk, "token": "made-up~link",
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
            "approvals/<uuid:approval_id>/comments/": {"text": "Looks fine."},
            "api/v1/approvals/<uuid:approval_id>/comments": {"text": "Looks good."},
            "approvals/routes/new/": {
                "name": "Other", "order": "ladder", "rejections": "1", "on_expiry": "expired",
                "remind_hours": "0", "step-0-quorum": "1",
            },
            "approvals/routes/<uuid:route_id>/": {
                "name": "Dear orders", "order": "ladder", "rejections": "2",
                "on_expiry": "expired", "remind_hours": "0", "step-0-quorum": "2",
            },
            "approvals/groups/new/": {"name": "Board", "slug": "board"},
            "approvals/groups/<uuid:group_id>/": {"name": "Joint council"},
            "sources/new/": {
                "name": "Second shop", "slug": "second", "secret": "", "kind": "shopify",
            },
            "templates/<slug:slug>/clone/": {"parameter-max_quantity": "7"},
            "installations/<uuid:installation_id>/parameters/": {"parameter-max_quantity": "8"},
        },
        inputs={
            "order.record_outcome": {"outcome": "accepted"},
            "approval.request": {"subject_type": "order"},
            "event.fetch": {"token": TOKEN},
            "approval.comment": {"text": "Please look."},
            "audit.record": {"action": "order.seen", "subject_type": "order", "subject_id": "1"},
        },
        # A name in a route that means another row there than elsewhere.
        aliases={("templates", "slug"): "template", ("sources", "event_id"): "test_event"},
        references={"events.deliver": "delivery_id", "approvals.resume": "waiter_id"},
        documents={"approval.attach": Upload("file", "c.txt", b"Three.")},
        uploads={
            "approvals/<uuid:approval_id>/files/": Upload("file", "b.txt", b"Two.", "text/plain"),
            "api/v1/approvals/<uuid:approval_id>/attachments": Upload("file", "c.txt", b"Three."),
        },
        secrets={"Hafenstraße", "kaja@example.com", "north-only", "harbour", "quay wall"},
    )  # fmt: skip
