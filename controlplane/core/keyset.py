"""Long lists by pages, each from where the last one ended: what is added meanwhile shifts none."""

import base64
import binascii
import uuid
from datetime import UTC, datetime
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from controlplane.core.errors import DomainError, FieldError

ModelT = TypeVar("ModelT", bound=Model)
LONGEST = 120


class PageUnknown(DomainError):
    code = "page_unknown"
    status = 400
    title = "There is no such page"


def page_after(
    rows: QuerySet[ModelT], *, by: str, after: str, limit: int
) -> tuple[list[ModelT], str]:
    """At most `limit` rows in the order of a time (`-received_at`), and what `after` is for the
    next page; empty where there is none. Raises PageUnknown.
    """
    name, falls = by.removeprefix("-"), by.startswith("-")
    rows = rows.order_by(by, "-pk" if falls else "pk")
    if after:
        at, key = _read(after)
        than = "lt" if falls else "gt"
        rows = rows.filter(Q(**{f"{name}__{than}": at}) | Q(**{name: at, f"pk__{than}": key}))
    found = list(rows[: limit + 1])
    if len(found) <= limit:
        return found, ""
    last = found[limit - 1]
    return found[:limit], _written(getattr(last, name), last.pk)


def _written(at: datetime, key: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {key}".encode()).decode().rstrip("=")


def _read(text: str) -> tuple[datetime, uuid.UUID]:
    try:
        read = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        at, _space, key = read.partition(" ")
        when = datetime.fromisoformat(at)
        if when.utcoffset() is None:
            raise ValueError("is no time of ours")
        # PostgreSQL takes offsets up to 15:59 only.
        return when.astimezone(UTC), uuid.UUID(key)
    except (ValueError, binascii.Error, OverflowError) as error:
        raise PageUnknown(
            f"{text[:40]!r} is no page. Pass on what an earlier call returned.",
            errors=(FieldError("after", "is no page"),),
        ) from error
