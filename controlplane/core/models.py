"""The base of every row: a UUIDv7 key, two times, and customer data that can be withheld."""

import uuid

import uuid_utils.compat
from django.db import models
from django.utils import timezone

from controlplane.core.withholding import Redactable


def new_id() -> uuid.UUID:
    """A UUIDv7: ordered by time, so that indexes grow at one end, and made without a sequence."""
    return uuid_utils.compat.uuid7()


class Row(Redactable):
    """Key and times (aware, UTC) of every table of ours."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
