"""A tenant that leaves: from the notice to the certificate of what was removed."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row


class DepartureQuerySet(models.QuerySet["Departure"]):
    def open(self) -> Self:
        """Neither taken back nor over."""
        return self.filter(returned_at__isnull=True, removed_at__isnull=True)


class Departure(Row):
    """Names the tenant by plain values, since its row goes with it.

    `found` keeps what each kind had before anything of it was removed, `removed` what came of it:
    [{kind, found, removed, left}], so that a removal that was cut off goes on where it was.
    """

    tenant_id = models.UUIDField()
    slug = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    schema_name = models.CharField(max_length=63)
    environment = models.CharField(max_length=10)
    status_before = models.CharField(
        max_length=12,
        default="active",
        db_default="active",
        help_text=_("What it is again when it is taken back."),
    )
    partner = models.CharField(max_length=120, blank=True)
    reason = models.TextField()
    left_at = models.DateTimeField()
    left_by = models.CharField(max_length=200)
    remove_after = models.DateTimeField(
        help_text=_("Until then it can be taken back; from then on it is removed.")
    )
    export_name = models.CharField(max_length=120, blank=True)
    export_sha256 = models.CharField(max_length=64, blank=True)
    export_bytes = models.BigIntegerField(default=0)
    returned_at = models.DateTimeField(null=True, blank=True)
    begun_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.CharField(max_length=200, blank=True)
    found = models.JSONField(default=dict)
    removed = models.JSONField(default=list)
    certificate = models.JSONField(null=True, blank=True)

    objects = DepartureQuerySet.as_manager()

    class Meta:
        ordering = ["-left_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id"], condition=Q(returned_at__isnull=True), name="departure_once"
            ),
            models.CheckConstraint(
                name="departure_ends_one_way",
                condition=Q(returned_at__isnull=True) | Q(begun_at__isnull=True),
            ),
            models.CheckConstraint(
                name="departure_removed_is_certified",
                condition=Q(removed_at__isnull=True) ^ Q(certificate__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.slug})"
