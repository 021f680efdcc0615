"""A release on its way to a fleet, ring by ring: shared rows, which hold no customer data."""

from datetime import datetime
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.catalog.models.templates import Release, Template
from controlplane.core.models import Row
from tenants.models import Partner, Tenant

PERCENT = [MinValueValidator(0), MaxValueValidator(100)]
SANDBOXES = 0
"""The number of the first ring; production's are counted from 1."""


class RolloutQuerySet(models.QuerySet["Rollout"]):
    def under_way(self) -> Self:
        return self.filter(status__in=Rollout.UNDER_WAY)


class Rollout(Row):
    """A live release that goes to all who installed its template, or to the tenants of `partner`.

    `shares` are percentages of the production tenants, rising to 100: each is a ring, and before
    them come the sandboxes. A ring is watched for `watch_minutes`, at most `watch_at_most_minutes`,
    before the next begins. `most_…` are the gate's limits in percent: of upgrades that failed, of
    runs that failed, of installations with a new exception, and by how much the 95th percentile of
    the runs' time may have grown. `steps` are dicts of what, why, by, ring and at. `asked_by_id`
    is the key of the person who began it, who approves none of its upgrades; empty where none did.
    """

    class Status(models.TextChoices):
        PLANNING = "planning", _("Looking for installations")
        RUNNING = "running", _("Under way")
        WATCHING = "watching", _("Being watched")
        PAUSED = "paused", _("Paused")
        RETURNING = "returning", _("Being taken back")
        RETURNED = "returned", _("Taken back")
        DONE = "done", _("Done")
        ENDED = "ended", _("Ended early")

    class Take(models.TextChoices):
        ASK = "", _("Ask people of the tenant")
        OURS = "ours", _("Keep what the tenant changed")
        THEIRS = "theirs", _("Take the release's")

    UNDER_WAY = (
        Status.PLANNING, Status.RUNNING, Status.WATCHING, Status.PAUSED, Status.RETURNING,
    )  # fmt: skip

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="rollouts")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="rollouts")
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="rollouts"
    )
    status = models.CharField(max_length=9, choices=Status, default=Status.PLANNING)
    paused_at = models.CharField(max_length=9, choices=Status, blank=True)
    ring = models.PositiveSmallIntegerField(default=SANDBOXES)
    shares = ArrayField(models.PositiveSmallIntegerField(validators=PERCENT))
    take = models.CharField(
        _("where tenant and release changed the same"), max_length=6, choices=Take, blank=True
    )
    at_once = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(16)]
    )
    per_minute = models.PositiveIntegerField(default=120, validators=[MinValueValidator(1)])
    watch_minutes = models.PositiveIntegerField(default=30)
    watch_at_most_minutes = models.PositiveIntegerField(default=24 * 60)
    least_runs = models.PositiveIntegerField(default=1)
    most_failed_upgrades = models.PositiveSmallIntegerField(default=10, validators=PERCENT)
    most_failed_runs = models.PositiveSmallIntegerField(default=5, validators=PERCENT)
    most_with_exceptions = models.PositiveSmallIntegerField(default=5, validators=PERCENT)
    most_slower = models.PositiveSmallIntegerField(default=100)
    tries_cases = models.BooleanField(default=True)
    note = models.TextField(blank=True)
    steps = models.JSONField(default=list)
    next_at = models.DateTimeField(default=timezone.now)
    watched_since = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    asked_by = models.CharField(max_length=200)
    asked_by_id = models.CharField(max_length=120, blank=True)

    objects = RolloutQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "partner"],
                nulls_distinct=False,
                condition=Q(status__in=["planning", "running", "watching", "paused", "returning"]),
                name="one_rollout_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.release}"

    @property
    def is_under_way(self) -> bool:
        return self.status in self.UNDER_WAY

    @property
    def last_ring(self) -> int:
        return len(self.shares)

    def next_ring(self, after: int | None = None) -> int | None:
        """The first behind this ring, or behind `after`, that has installations; None behind the
        last of them.
        """
        ring = self.ring if after is None else after
        rings = self.places.filter(ring__gt=ring).order_by("ring")
        return rings.values_list("ring", flat=True).first()

    @property
    def last_step(self) -> dict[str, Any]:
        return self.steps[-1] if self.steps else {}

    def note_step(self, what: str, *, why: str = "", by: str, at: datetime) -> None:
        """Into the row, unsaved."""
        step = {"what": what, "why": why, "by": by, "ring": self.ring, "at": at.isoformat()}
        self.steps = [*self.steps, step]


class RolloutPlaceQuerySet(models.QuerySet["RolloutPlace"]):
    def to_do(self) -> Self:
        return self.filter(status__in=RolloutPlace.TO_DO)

    def counts(self) -> dict[int, dict[str, int]]:
        """How many there are by ring and status."""
        found: dict[int, dict[str, int]] = {}
        for ring, status, count in (
            self.order_by().values_list("ring", "status").annotate(Count("pk"))
        ):
            found.setdefault(ring, {})[status] = count
        return found


class RolloutPlace(Row):
    """One installation that a rollout comes to. The hashes are of its workflow in n8n.

    `measures` is what was seen there since: runs, failed, failed_before, runs_before, exceptions,
    cases_failed, and milliseconds of single runs, after and before.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waits for its turn")
        ASKED = "asked", _("Waits for the tenant's approval")
        RUNNING = "running", _("Being upgraded")
        DONE = "done", _("Upgraded")
        HELD = "held", _("Waits for people of the tenant")
        FAILED = "failed", _("Failed")
        DECLINED = "declined", _("Declined by the tenant")
        LEFT = "left", _("Left as it was")
        BACK = "back", _("To be taken back")
        RETURNING = "returning", _("Being taken back")
        RETURNED = "returned", _("Taken back")
        EDITED = "edited", _("Edited since, not taken back")

    TO_DO = (Status.WAITING, Status.RUNNING, Status.BACK, Status.RETURNING)

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="places")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="rollout_places")
    installation_id = models.UUIDField()
    ring = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    from_version = models.CharField(max_length=20)
    upgrade_id = models.UUIDField(null=True)
    decision_id = models.UUIDField(null=True)
    hash_before = models.CharField(max_length=64, blank=True)
    hash_after = models.CharField(max_length=64, blank=True)
    hash_returned = models.CharField(max_length=64, blank=True)
    conflicts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    upgraded_at = models.DateTimeField(null=True)
    measures = models.JSONField(default=dict)

    objects = RolloutPlaceQuerySet.as_manager()

    class Meta:
        ordering = ["ring", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["rollout", "tenant", "installation_id"], name="rollout_place_once"
            )
        ]
        indexes = [
            models.Index(fields=["rollout", "status", "ring"], name="rollout_place_by_state")
        ]

    def __str__(self) -> str:
        return f"{self.rollout} at {self.tenant}"
