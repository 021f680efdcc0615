"""Who opened customer data: one entry in the tenant's trail for a person, a subject and an hour,
and for an API key, a list or operation and an hour.

What was read is noted where rows are read, as withholding is, so that no page has to remember to
tell. What changes something leaves entries of its own and stands in the ledger: this is of looking.
"""

import uuid
from datetime import timedelta

from django.core.cache import cache
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.logs import get_logger

ACTION = "payload.opened"
HOUR = 3600

log = get_logger(__name__)


def note_opened(
    request: HttpRequest, response: HttpResponseBase, seen: set[str], *, by: Actor
) -> None:
    """Called in the tenant, after the view and before anything of its answer is sent.

    `seen` names the models of which customer data was read. Where the entry cannot be written this
    raises, and nothing is shown.
    """
    if seen and _was_shown(request, response):
        note_read(*subject_of(request), seen, by=by)


def note_fetched(
    request: HttpRequest, response: HttpResponseBase, seen: set[str], *, by: Actor
) -> None:
    """The same of an API key, which may ask for thousands of rows: what it asked, not which row."""
    if seen and _was_shown(request, response):
        found = request.resolver_match
        assert found is not None  # a view was found
        note_read("api", found.route[:120], seen, by=by)


def _was_shown(request: HttpRequest, response: HttpResponseBase) -> bool:
    return request.method in {"GET", "HEAD"} and response.status_code == 200


def note_read(subject_type: str, subject_id: str, seen: set[str], *, by: Actor) -> None:
    """In the tenant whose customer data was read; once an hour. Raises where it cannot be noted."""
    if not seen:
        return
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    key = f"opened:{hour:%Y%m%d%H}:{by.id}:{subject_type}:{subject_id}"
    if not _is_first(key):
        return
    try:
        record(
            action=ACTION,
            subject_type=subject_type,
            subject_id=subject_id,
            data={"kinds": sorted(seen), "until": (hour + timedelta(hours=1)).isoformat()},
            by=by,
        )
    except BaseException:
        cache.delete(key)
        raise


def subject_of(request: HttpRequest) -> tuple[str, str]:
    """The row that the address names, else the page."""
    found = request.resolver_match
    assert found is not None  # a view was found
    for name, value in found.kwargs.items():
        if name.endswith("_id") and isinstance(value, uuid.UUID):
            kind = name.removesuffix("_id")
            # In the tenant's admin the address says whose row it is.
            return (kind if kind != "object" else str(found.url_name))[:40], str(value)
    if "object_id" in found.kwargs:
        return str(found.url_name).removesuffix("_change")[:40], str(found.kwargs["object_id"])[
            :120
        ]
    return "page", (found.view_name if found.url_name else found.route)[:120]


def _is_first(key: str) -> bool:
    """Whether nobody has noted it in this hour. Without the cache: a second entry, not none."""
    try:
        return bool(cache.add(key, 1, timeout=HOUR))
    except Exception:  # any of the cache's, which are not one class
        log.warning("payload access: the cache is away")
        return True
