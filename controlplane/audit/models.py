"""The audit chain of a tenant: each entry's hash covers the one before it."""

import hashlib
from datetime import UTC
from typing import Any

import rfc8785
from django.db import models
from django.db.models import Q
from django.utils import timezone

from controlplane.core.classification import Classification
from controlplane.core.withholding import Redactable

GENESIS = "0" * 64


class Entry(Redactable):
    """One thing that was done. The tenant's role may add entries, and change or delete none."""

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=120)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=120)
    actor_label = models.CharField(max_length=200)
    execution_id = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    classified = Classification(
        health=(
            "sequence at action subject_type subject_id actor_kind actor_id actor_label "
            "execution_id previous_hash hash"
        ),
        payload="data",
    )

    class Meta:
        ordering = ["sequence"]
        verbose_name_plural = "entries"
        constraints = [
            models.CheckConstraint(name="audit_sequence_positive", condition=Q(sequence__gt=0)),
            models.UniqueConstraint(fields=["previous_hash"], name="audit_chain_does_not_fork"),
        ]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="audit_subject")]

    def __str__(self) -> str:
        return f"#{self.sequence} {self.action}"

    def content(self) -> dict[str, Any]:
        """What the hash covers: everything but the hash. Times in UTC, to the microsecond."""
        return {
            "sequence": self.sequence,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "action": self.action,
            "subject": [self.subject_type, self.subject_id],
            "actor": [self.actor_kind, self.actor_id, self.actor_label],
            "execution_id": self.execution_id,
            "data": self.data,
            "previous_hash": self.previous_hash,
        }

    def computed_hash(self) -> str:
        """SHA-256 over the RFC 8785 canonical JSON of `content()`, in hex."""
        return hashlib.sha256(rfc8785.dumps(self.content())).hexdigest()
