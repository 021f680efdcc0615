"""The audit chain of a tenant: each entry's hash covers the one before it.

Signed checkpoints say how the chain stood, so that whoever rewrites it, hashes and all, is found.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

import rfc8785
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

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

    @property
    def mark(self) -> str:
        """The beginning of its hash: with the number it names one entry of one chain."""
        return self.hash[:12]

    @property
    def updated_at(self) -> datetime:
        """An entry never changes; lists of rows ask for it."""
        return self.at

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


class Checkpoint(Redactable):
    """How the chain stood at a time, signed. The tenant's role may add some, and change none.

    `witness` has the first 16 hex digits of the hash of every entry since the checkpoint before,
    so that a verifier can name the very entry that was rewritten. `base_*` is the last entry that
    was taken away for its age; the chain begins after it.
    """

    class MadeFor(models.TextChoices):
        SCHEDULE = "schedule", _("On schedule")
        EXPORT = "export", _("For an export")
        PURGE = "purge", _("Before old entries were taken away")

    FORMAT = "pergola-audit-checkpoint-1"

    number = models.BigIntegerField(primary_key=True)
    chain = models.CharField(max_length=64)
    made_for = models.CharField(max_length=8, choices=MadeFor)
    at = models.DateTimeField(default=timezone.now)
    sequence = models.BigIntegerField()
    head = models.CharField(max_length=64)
    entries = models.BigIntegerField()
    base_sequence = models.BigIntegerField(default=0)
    base_head = models.CharField(max_length=64, default=GENESIS)
    witness = models.TextField(blank=True)
    previous = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16)
    public_key = models.CharField(max_length=64)
    signature = models.CharField(max_length=100)

    classified = Classification(
        health=(
            "number chain made_for at sequence head entries base_sequence base_head witness "
            "previous key_id public_key signature"
        )
    )

    class Meta:
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(
                name="audit_checkpoint_positive",
                condition=Q(number__gt=0, sequence__gt=0, base_sequence__gte=0),
            ),
            models.UniqueConstraint(fields=["previous"], name="audit_checkpoints_do_not_fork"),
        ]

    def __str__(self) -> str:
        return f"checkpoint {self.number} at entry {self.sequence}"

    def content(self) -> dict[str, Any]:
        """What the signature covers."""
        return {
            "format": self.FORMAT,
            "chain": self.chain,
            "number": self.number,
            "made_for": str(self.made_for),
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "sequence": self.sequence,
            "head": self.head,
            "entries": self.entries,
            "base": [self.base_sequence, self.base_head],
            "witness": self.witness,
            "previous": self.previous,
            "key_id": self.key_id,
        }

    def digest(self) -> str:
        """SHA-256 of the RFC 8785 canonical JSON of `content()`, for the checkpoint after it."""
        return hashlib.sha256(rfc8785.dumps(self.content())).hexdigest()

    def as_line(self) -> dict[str, Any]:
        """As it stands in an export and outside: content, key and signature."""
        return {
            "content": self.content(),
            "public_key": self.public_key,
            "signature": self.signature,
        }
