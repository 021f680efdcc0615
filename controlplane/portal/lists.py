"""Search, sort and pages of a list, from the query string: an address is a view of the list."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import get_language

from controlplane.core.withholding import is_withheld

PER_PAGE = 20
SEEN_HEADER = "X-Seen"


@dataclass(frozen=True)
class Listing:
    """One page of a list and how it was asked for. `sort` is a key of the list, "-" turns it."""

    page: Page[Any]
    search: str
    sort: str

    @property
    def fingerprint(self) -> str:
        """Changes with what is shown, and every minute, since relative times are shown too."""
        rows = [f"{row.pk}:{row.updated_at}" for row in self.page.object_list]
        parts = [*rows, self.page.paginator.count, int(time.time() // 60), get_language()]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def listing(
    request: HttpRequest,
    rows: QuerySet[Any],
    *,
    search_in: Sequence[str],
    sorts: Mapping[str, str],
    default_sort: str,
    per_page: int = PER_PAGE,
    search_also: Callable[[str], Q] | None = None,
) -> Listing:
    """`sorts` maps what the address may say to fields. Nonsense falls back, it never fails.
    `search_also` says of a word where else it may stand.

    Nothing is looked for or ordered by in customer data that the reader may not see.
    """
    search_in = [field for field in search_in if not is_withheld(rows.model, field)]
    sorts = {name: field for name, field in sorts.items() if not is_withheld(rows.model, field)}
    text = searched(request)
    for word in text.split():
        anywhere = Q()
        for field in search_in:
            anywhere |= Q(**{f"{field}__icontains": word})
        if search_also:
            anywhere |= search_also(word)
        rows = rows.filter(anywhere) if search_in or search_also else rows.none()
    sort = request.GET.get("sort", "")
    if sort.removeprefix("-") not in sorts:
        sort = default_sort
    turned = "-" if sort.startswith("-") else ""
    rows = rows.order_by(turned + sorts[sort.removeprefix("-")], f"{turned}pk")
    page = Paginator(rows, per_page).get_page(request.GET.get("page"))
    return Listing(page=page, search=text, sort=sort)


def searched(request: HttpRequest) -> str:
    # PostgreSQL has no NUL in text.
    return request.GET.get("q", "").replace("\0", "").strip()[:100]


def chosen(request: HttpRequest, name: str, among: Sequence[str], *, default: str) -> str:
    value = request.GET.get(name, default)
    return value if value in among else default


def is_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for a part; on going back in history it asks for the whole page."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def was_seen(request: HttpRequest, shown: Listing) -> bool:
    """Whether a poll already shows this; it is then answered with nothing to swap."""
    return request.headers.get(SEEN_HEADER) == shown.fingerprint


def page_or_part(
    request: HttpRequest, page: str, part: str, context: dict[str, Any]
) -> TemplateResponse:
    """The page, or for htmx the part of it that the page includes."""
    return TemplateResponse(request, part if is_partial(request) else page, context)
