"""More rows like one that is there, as the database lets them stand beside it."""

import itertools
import uuid
from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, models, transaction

from controlplane.core.models import new_id

_numbers = itertools.count(1000)


def copies(row: models.Model, count: int, **given: Any) -> int:
    """How many more there are then. Fewer where a constraint leaves no room: one in a tenant, one
    of each kind. `given` says what they point to; what else must differ does."""
    return sum(_copied(row, given) is not None for _ in range(count))


def _copied(row: models.Model, given: dict[str, Any]) -> models.Model | None:
    fields = {field.name: field for field in row._meta.concrete_fields}
    values = {field.attname: getattr(row, field.attname) for field in fields.values()}
    # The one that leads, or is the default, is so alone.
    values |= dict.fromkeys(_marks_of_one(type(row)), False)
    values |= {fields[name].attname: other.pk for name, other in given.items()}
    for unique in _unique(type(row)):
        free = [name for name in unique if name not in given]
        if not free or any(values[fields[name].attname] is None for name in unique):
            continue
        # A plain value is made another sooner than a row that it points to is copied.
        name = min(free, key=lambda name: (fields[name].is_relation, bool(fields[name].choices)))
        field, other = fields[name], None
        if field.is_relation:
            other = _copied(getattr(row, name), {})
            other = other and other.pk
        else:
            other = _another(row, field)
        if other is None:
            return None
        values[field.attname] = other
    pk = row._meta.pk
    values.pop(pk.attname)
    new = type(row)(**values)
    if isinstance(pk, models.UUIDField):
        new.pk = new_id()
    try:
        with transaction.atomic():
            type(row)._default_manager.bulk_create([new])
    except IntegrityError:
        return None
    return new


def _unique(model: type[models.Model]) -> list[tuple[str, ...]]:
    alone = [(f.name,) for f in model._meta.concrete_fields if f.unique and not f.primary_key]
    named = [c.fields for c in model._meta.total_unique_constraints if c.fields]
    partly = [
        c.fields
        for c in model._meta.constraints
        if isinstance(c, models.UniqueConstraint) and c.condition is not None
    ]
    return [*alone, *named, *(tuple(fields) for fields in partly if fields)]


def _marks_of_one(model: type[models.Model]) -> set[str]:
    flags = {f.name for f in model._meta.concrete_fields if isinstance(f, models.BooleanField)}
    named = {
        child[0]
        for each in model._meta.constraints
        if isinstance(each, models.UniqueConstraint) and each.condition is not None
        for child in each.condition.children
        if isinstance(child, tuple)
    }
    return flags & named


def _another(row: models.Model, field: Any) -> Any:
    value, number = getattr(row, field.attname), next(_numbers)
    if field.choices:
        taken = set(type(row)._default_manager.values_list(field.attname, flat=True))
        return next((choice for choice, _label in field.choices if choice not in taken), None)
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return value + number
    if isinstance(value, uuid.UUID):
        return new_id()
    if isinstance(value, date):
        return value + timedelta(days=number)
    text = f"{number}{value}"
    return text[: field.max_length] if field.max_length else text
