"""The fleet page's columns that higher floors know: n8n's health, use of quotas.

A column is loaded for all tenants of a page at once, so that a list of a hundred costs what a list
of three does.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from tenants.models import Domain, Engagement, Tenant


@dataclass(frozen=True)
class Mark:
    """A word with a tone: "success", "warning", "danger", "info" or none. `title` says more, and
    `link` leads to where something can be done about it."""

    text: Any
    tone: str = ""
    title: Any = ""
    link: str = ""


@dataclass(frozen=True)
class Bar:
    """How much of a limit is used, 0 to 100 and above; `text` says it in figures, `title` more."""

    percent: float
    text: Any
    title: Any = ""


Cell = Mark | Bar | str


@dataclass(frozen=True)
class Column:
    """`load` answers with few queries for a whole page, by tenant id; who is missing shows "–".

    With `choices` and `narrow` one may filter by it. `alarm` is the choice whose tenants are
    counted on top of the page. `order` is an expression over tenants to sort by.
    """

    name: str
    label: Any
    load: Callable[[Sequence[Tenant]], Mapping[uuid.UUID, Cell]]
    choices: Sequence[tuple[str, Any]] = ()
    narrow: Callable[[QuerySet[Tenant], str], QuerySet[Tenant]] | None = None
    alarm: str = ""
    order: Any = None


_columns: dict[str, Column] = {}


def register_column(column: Column) -> None:
    """From AppConfig.ready. The rows that a column is given carry what `fleet` adds."""
    _columns[column.name] = column


def columns() -> list[Column]:
    return list(_columns.values())


def fleet(tenants: QuerySet[Tenant]) -> QuerySet[Tenant]:
    """With `family` (to sort a sandbox by its production), `domain`, `lead_id`, `lead`, `tier`."""
    customer = Coalesce(OuterRef("sandbox_of_id"), OuterRef("pk"))
    led_by = Engagement.objects.filter(tenant=customer, is_lead=True)
    hosts = Domain.objects.filter(tenant=OuterRef("pk"), is_primary=True)
    return tenants.annotate(
        family=Coalesce("sandbox_of__name", "name"),
        domain=Subquery(hosts.values("domain")[:1]),
        lead_id=Subquery(led_by.values("partner")[:1]),
        lead=Subquery(led_by.values("partner__name")[:1]),
        tier=Subquery(led_by.values("partner__tier")[:1]),
    )
