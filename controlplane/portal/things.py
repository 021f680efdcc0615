"""What decisions and entries are about, by the names that people know, and where its page is.

One query for each kind of thing that a list shows, however long the list is.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.text import Truncator

from controlplane.core.withholding import is_withheld
from controlplane.invoices.models import Invoice
from controlplane.knowledge.answers.models import Answer
from controlplane.orders.models import Order
from controlplane.policies.contexts import context_names
from controlplane.policies.models import Decision
from controlplane.support.models import Ticket

SHOWN_DECISIONS = 5


@dataclass(frozen=True)
class Thing:
    title: str
    url: str


@dataclass(frozen=True)
class _Kind:
    """`named` are the fields that are searched; the first that says something is the title."""

    model: type[models.Model]
    page: str
    named: tuple[str, ...]


_KINDS = {
    "order": _Kind(Order, "orders:detail", ("number",)),
    "invoice": _Kind(Invoice, "invoices:detail", ("number", "filename")),
    "ticket": _Kind(Ticket, "tickets:detail", ("number",)),
    "answer": _Kind(Answer, "knowledge:answer", ("question",)),
}


def things(pairs: Iterable[tuple[str, uuid.UUID]]) -> dict[tuple[str, uuid.UUID], Thing]:
    """By kind and id; without those that are gone, or that no page shows."""
    wanted: dict[str, set[uuid.UUID]] = {}
    for about, key in pairs:
        wanted.setdefault(about, set()).add(key)
    found: dict[tuple[str, uuid.UUID], Thing] = {}
    for name in wanted.keys() & _KINDS.keys():
        kind = _KINDS[name]
        rows: Mapping[Any, Any] = kind.model._default_manager.only(*kind.named).in_bulk(
            list(wanted[name])
        )
        for key, row in rows.items():
            title = next((text for field in kind.named if (text := getattr(row, field))), str(key))
            found[name, key] = Thing(Truncator(title).chars(80), reverse(kind.page, args=[key]))
    return found


def named(rows: Iterable[Any]) -> list[tuple[Any, Thing | None]]:
    """Rows that have `subject_type` and `subject_id`, each with the thing that it is about."""
    given = list(rows)
    found = things((row.subject_type, row.subject_id) for row in given)
    return [(row, found.get((row.subject_type, row.subject_id))) for row in given]


def about_one_called(word: str) -> Q:
    """For a search: rows about a thing whose name has this word in it."""
    anywhere = Q()
    for name, kind in _KINDS.items():
        fields = [field for field in kind.named if not is_withheld(kind.model, field)]
        if not fields:
            continue
        called = Q()
        for field in fields:
            called |= Q(**{f"{field}__icontains": word})
        keys = kind.model._default_manager.filter(called).values("pk")
        anywhere |= Q(subject_type=name, subject_id__in=keys)
    return anywhere


def decisions_about(*keys: uuid.UUID | None) -> QuerySet[Decision]:
    """Those on these things, and those that have these ids themselves; the newest first."""
    given = [key for key in keys if key]
    names = context_names()
    return (
        Decision.objects.filter(
            Q(pk__in=given)
            | Q(context__in=names, subject_type__in=[*names, "answer"], subject_id__in=given)
        )
        .defer("input", "reasons", "parameters", "settings")
        .order_by("-decided_at", "-pk")
    )
