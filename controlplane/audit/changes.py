"""What a change did to a row, for the audit trail: the fields that differ, before and after."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.crypto import salted_hmac

from controlplane.audit.models import Entry
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.crypto import EncryptedTextField

# A digest says nothing to a reader, and a time of saving stands in the entry itself.
_LEFT_OUT = {"created_at", "updated_at", "secret_sha256", "link_sha256"}


def snapshot(row: models.Model) -> dict[str, Any]:
    """The row's own fields as plain JSON. Of secrets one sees whether they changed, no more."""
    values = {
        field.attname: (
            _sealed(field.value_from_object(row))
            if isinstance(field, EncryptedTextField) or field.name == "password"
            else field.value_from_object(row)
        )
        for field in row._meta.concrete_fields
        if field.name not in _LEFT_OUT and not isinstance(field, models.BinaryField)
    }
    plain: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return plain


def _sealed(secret: str) -> str:
    """Differs where the secret does. Keyed, so that nobody can try out which secret it is."""
    if not secret:
        return ""
    return f"(kept secret, {salted_hmac('audit.changes', secret).hexdigest()[:8]})"


def rows_changed(entry: Entry) -> list[tuple[str, str, str]]:
    """For people: field, before, after. None where the entry tells something else."""
    before, after = (entry.data.get(key) for key in ("before", "after"))
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    names = sorted({*before, *after})
    return [(name, _plain(before.get(name)), _plain(after.get(name))) for name in names]


def _plain(value: Any) -> str:
    if value in (None, "", [], {}):
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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
