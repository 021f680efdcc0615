"""What a change did to a row, for the audit trail: the fields that differ, before and after."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from controlplane.audit.models import Entry
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.crypto import EncryptedTextField

HIDDEN = "(kept secret)"
# A digest says nothing to a reader, and a time of saving stands in the entry itself.
_LEFT_OUT = {"created_at", "updated_at", "password", "secret_sha256"}


def snapshot(row: models.Model) -> dict[str, Any]:
    """The row's own fields as plain JSON. Secrets are shown as set or empty, never as they are."""
    values = {
        field.attname: (
            HIDDEN * bool(field.value_from_object(row))
            if isinstance(field, EncryptedTextField)
            else field.value_from_object(row)
        )
        for field in row._meta.concrete_fields
        if field.name not in _LEFT_OUT
    }
    plain: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return plain


def record_change(
    *, action: str, row: models.Model, before: dict[str, Any], after: dict[str, Any], by: Actor
) -> Entry | None:
    """An entry in the chain that is entered, with what differs; none where nothing does.

    `before` and `after` come from `snapshot`; `{}` stands for a row that was not there.
    """
    changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    if not changed:
        return None
    return record(
        action=action,
        subject_type=str(row._meta.model_name),
        subject_id=str(row.pk),
        data={
            "before": {key: before[key] for key in changed if key in before},
            "after": {key: after[key] for key in changed if key in after},
        },
        by=by,
    )
