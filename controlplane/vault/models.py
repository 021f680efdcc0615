"""The data keys of a schema: they encrypt its secrets, and are encrypted themselves."""

from django.db import models
from django.db.models import Q

from controlplane.core.classification import Classification
from controlplane.core.models import Row


class DataKey(Row):
    """One of the schema's data keys, wrapped by a key-encryption key that no database holds.

    Stands in each tenant's schema and in the shared one: a tenant's role sees its own only, and
    can use none without the key-encryption key. A retired key is destroyed: its wrapping is empty.
    """

    version = models.PositiveIntegerField()
    wrapped = models.TextField(blank=True)
    wrapped_by = models.CharField(max_length=16)
    retired_at = models.DateTimeField(null=True)

    classified = Classification(
        health="version wrapped_by retired_at",
        secrets="wrapped",
    )

    class Meta:
        ordering = ["version"]
        constraints = [
            models.UniqueConstraint(fields=["version"], name="data_key_version_unique"),
            models.CheckConstraint(
                name="data_key_retired_is_destroyed",
                condition=Q(wrapped="") ^ Q(retired_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"data key {self.version}"
