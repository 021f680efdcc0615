"""Sources, the events that came in, who listens, and what was delivered."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.crypto import EncryptedTextField
from controlplane.core.models import Row
from controlplane.events import kinds
from controlplane.events.models.failures import Failure
from tenants.models import slug_is_a_host_label


class SourceQuerySet(models.QuerySet["Source"]):
    def present(self) -> Self:
        return self.filter(removed_at=None)


class Source(Row):
    """A system of the tenant's that sends events here, and the secret that it signs with.

    One of kind "internal" stands for Pergola itself and has no secret. While a secret is replaced,
    the one before it is valid too, until `previous_secret_until`. `options` is what its kind asks
    for besides (`kinds.Option`). Of an ordered one a workflow gets events of one subject in turn.
    A removed one takes in nothing ever again, and is there for its events.
    """

    slug = models.CharField(max_length=40, validators=[slug_is_a_host_label])
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=kinds.choices, default="shopify")
    secret = EncryptedTextField(blank=True, editable=False)
    previous_secret = EncryptedTextField(blank=True, editable=False, default="", db_default="")
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    options = models.JSONField(null=True, blank=True)
    is_ordered = models.BooleanField(default=False, db_default=False)
    is_active = models.BooleanField(default=True)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    classified = Classification(
        health="slug name kind previous_secret_until options is_ordered is_active removed_at",
        secrets="secret previous_secret",
    )

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["slug"], name="source_slug_unique")]

    def __str__(self) -> str:
        return self.name

    def option(self, name: str) -> str:
        """As it was set up; empty where it was not."""
        return str((self.options or {}).get(name) or "")

    def secrets_at(self, at: datetime) -> list[str]:
        """Those that a sender may sign with: the newest first."""
        return [secret for secret in (self.secret, self.previous_at(at)) if secret]

    def previous_at(self, at: datetime) -> str:
        """What was replaced and is good still: a secret, or a client certificate; else empty."""
        is_good = self.previous_secret_until is not None and at < self.previous_secret_until
        return self.previous_secret if is_good else ""


class EventQuerySet(models.QuerySet["Event"]):
    def recent(self) -> Self:
        return self.select_related("source").order_by("-received_at")


class Event(Row):
    """Something that happened outside, durable before it was acknowledged.

    `body` is the text exactly as it was signed. Two deliveries are the same event when the sender
    numbers them alike, or when topic and body are the same to the byte; where the sender's numbers
    are promised to be its own for each event (`is_numbered`), by the number alone. A correction is
    an event of its own that `revises` the first one, which stays as it came.
    """

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="events")
    type = models.CharField(max_length=60)
    external_id = models.CharField(max_length=200)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    body_sha256 = models.CharField(max_length=64)
    headers = models.JSONField(default=dict)
    received_at = models.DateTimeField(default=timezone.now)
    is_test = models.BooleanField(default=False)
    duplicates = models.PositiveIntegerField(default=0)
    workflow_id = models.CharField(max_length=64, blank=True)
    execution_id = models.CharField(max_length=64, blank=True)
    is_numbered = models.BooleanField(default=False, db_default=False)
    revises = models.UUIDField(null=True, blank=True)
    revision = models.PositiveSmallIntegerField(default=1, db_default=1)

    classified = Classification(
        health=(
            "source type body_sha256 received_at is_test duplicates workflow_id execution_id "
            "is_numbered revises revision"
        ),
        payload="external_id subject body headers",
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="event_once_per_id"),
            models.UniqueConstraint(
                fields=["source", "type", "body_sha256"],
                condition=Q(is_numbered=False),
                name="event_once_per_body",
            ),
        ]
        indexes = [
            models.Index(fields=["source", "-received_at"], name="event_of_source"),
            models.Index(fields=["-received_at"], name="event_received"),
            models.Index(fields=["execution_id"], name="event_execution"),
            models.Index(fields=["source", "subject", "received_at"], name="event_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}".strip()


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def listening(self) -> Self:
        return self.filter(stopped_at=None)

    def of_the_workflow_of(self, other: "Subscription") -> Self:
        """Listeners of one installation, or, without one, of one workflow."""
        if other.installation_id:
            return self.filter(installation_id=other.installation_id, is_test=other.is_test)
        return self.filter(
            installation_id=None, workflow_id=other.workflow_id, is_test=other.is_test
        )


class Subscription(Row):
    """A Pergola Trigger that is active in n8n, or was.

    Its events go to itself, or to a Webhook of its workflow, whose execution then fetches the event
    in its first step (`is_fetched_in_execution`). `stopped_at`: since when it has not listened; n8n
    takes each away when it stops and has it listen again when it starts, at the same address.
    """

    installation_id = models.UUIDField(null=True, blank=True)
    webhook_url = models.CharField(max_length=500)
    workflow_id = models.CharField(max_length=64, blank=True)
    event_types = models.JSONField(default=list)
    is_test = models.BooleanField(default=False)
    is_fetched_in_execution = models.BooleanField(default=False, db_default=False)
    stopped_at = models.DateTimeField(null=True, blank=True)

    classified = Classification(
        health=(
            "installation_id webhook_url workflow_id event_types is_test is_fetched_in_execution "
            "stopped_at"
        ),
    )

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["webhook_url"], name="subscription_once_per_url")
        ]

    def __str__(self) -> str:
        return f"{', '.join(self.event_types)} → workflow {self.workflow_id}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def queued(self) -> Self:
        """Waiting for a place, with nothing in the outbox (`places`)."""
        return self.filter(status=Delivery.Status.PENDING, queued_at__isnull=False)


class Delivery(Row):
    """An event on its way to one subscription. n8n gets an id and a token, and fetches the rest.

    `offered_at`: since when an execution that n8n started has been expected to fetch it.
    `place_until`: how long it has one of its subscription's places; `queued_at`: since when it
    has waited for one (`places`). `asked_at`: when n8n was last asked for its run; `waiting_at`:
    when that was last seen to wait (`reconciling`).
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting to be delivered")
        CLAIMED = "claimed", _("Fetched by n8n")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Given up")
        HELD = "held", _("Held back: its workflow is paused")
        SET_ASIDE = "set_aside", _("Handled by hand")

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    token_sha256 = models.CharField(max_length=64, blank=True)
    offered_at = models.DateTimeField(null=True, blank=True)
    place_until = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    failure = models.CharField(
        max_length=12, choices=Failure, blank=True, default="", db_default=""
    )
    reconciled_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    waiting_at = models.DateTimeField(null=True, blank=True)

    classified = Classification(
        health=(
            "event subscription status offered_at place_until queued_at claimed_at delivered_at "
            "attempts last_error failure reconciled_at asked_at waiting_at"
        ),
        secrets="token_sha256",
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "subscription"], name="delivery_once")
        ]
        indexes = [
            models.Index(
                fields=["delivered_at"],
                name="delivery_unreconciled",
                condition=Q(status="delivered", reconciled_at__isnull=True),
            ),
            models.Index(
                fields=["waiting_at"],
                name="delivery_run_waits",
                condition=Q(waiting_at__isnull=False, reconciled_at__isnull=True),
            ),
            models.Index(
                fields=["subscription", "place_until"],
                name="delivery_with_a_place",
                condition=Q(status="pending", place_until__isnull=False),
            ),
            models.Index(
                fields=["subscription", "queued_at"],
                name="delivery_queued",
                condition=Q(status="pending", queued_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} ({self.get_status_display()})"


class Pause(Row):
    """A workflow that somebody stopped: nothing is delivered to it and it may change nothing."""

    installation_id = models.UUIDField()
    reason = models.CharField(max_length=300, blank=True)
    paused_by = models.CharField(max_length=200)

    classified = Classification(health="installation_id reason paused_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation_id"], name="pause_once_per_installation")
        ]

    def __str__(self) -> str:
        return f"{self.installation_id} paused by {self.paused_by}"


class LedgerEntry(Row):
    """An operation that was carried out: the same key again gets the same answer, not an effect."""

    key = models.CharField(max_length=300)
    operation = models.CharField(max_length=80)
    request_sha256 = models.CharField(max_length=64)
    response = models.JSONField(null=True)

    classified = Classification(health="key operation request_sha256", payload="response")

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(fields=["operation", "key"], name="ledger_once_per_key")
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.key}"


class OutboxMessage(Row):
    """A shared row that says: for this tenant, run this handler on this id. No customer data."""

    schema_name = models.CharField(max_length=63)
    handler = models.CharField(max_length=60)
    reference = models.UUIDField()
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], name="outbox_due", condition=models.Q(failed_at__isnull=True)
            ),
            models.Index(
                fields=["schema_name", "handler", "due_at"],
                name="outbox_alike",
                condition=models.Q(failed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.handler} {self.reference} ({self.schema_name})"
