"""What each type of failure means: whose work it is, and by when somebody should look."""

from collections.abc import Mapping
from datetime import timedelta

import httpx
from django.conf import settings

from controlplane.events.models import Failure
from tenants.models import Ownership

Area = Ownership.Area

AREAS: Mapping[str, str] = {
    Failure.CONNECTION: Area.INFRASTRUCTURE,
    Failure.TIMEOUT: Area.INFRASTRUCTURE,
    Failure.RATE_LIMIT: Area.INFRASTRUCTURE,
    Failure.VANISHED_RUN: Area.INFRASTRUCTURE,
    Failure.REJECTED: Area.AUTOMATION,
    Failure.DUPLICATE: Area.AUTOMATION,
    Failure.PARSE: Area.AUTOMATION,
    Failure.POLICY: Area.PROCESS_DESIGN,
    Failure.MISSING_DATA: Area.SUPPORT,
}


# Hours; `EXCEPTION_HOURS` in the settings has others.
HOURS: Mapping[str, int] = {
    Failure.CONNECTION: 1,
    Failure.TIMEOUT: 2,
    Failure.RATE_LIMIT: 4,
    Failure.VANISHED_RUN: 2,
    Failure.REJECTED: 4,
    Failure.DUPLICATE: 24,
    Failure.PARSE: 8,
    Failure.POLICY: 8,
    Failure.MISSING_DATA: 8,
}


def time_to_handle(failure: str) -> timedelta:
    """From when it is opened."""
    return timedelta(hours=settings.EXCEPTION_HOURS.get(failure, HOURS[failure]))


def of_http_error(error: httpx.HTTPError) -> Failure:
    return Failure.TIMEOUT if isinstance(error, httpx.TimeoutException) else Failure.CONNECTION


def of_status(status: int) -> Failure:
    """Of an answer that was no success."""
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Failure.RATE_LIMIT
    if status in {httpx.codes.REQUEST_TIMEOUT, httpx.codes.GATEWAY_TIMEOUT}:
        return Failure.TIMEOUT
    if status in {httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE}:
        return Failure.CONNECTION
    return Failure.REJECTED


# In this order: the first that is in the text. What n8n and its nodes call things.
_WORDS = (
    (Failure.RATE_LIMIT, ("429", "rate limit", "too many requests")),
    (Failure.TIMEOUT, ("timed out", "timeout", "etimedout", "504")),
    (Failure.CONNECTION, ("econnrefused", "econnreset", "enotfound", "eai_again", "socket hang up",
                          "connection", "502", "503")),
    (Failure.POLICY, ("policy", "not allowed", "held")),
    (Failure.MISSING_DATA, ("missing", "required", "not found", "undefined")),
    (Failure.DUPLICATE, ("duplicate", "already exists", "idempotency", "409")),
    (Failure.PARSE, ("json", "parse", "malformed", "unexpected token")),
)  # fmt: skip


def of_text(text: str) -> Failure:
    """Of an error that somebody else put into words; what fits none of them was rejected."""
    lowered = text.lower()
    for failure, words in _WORDS:
        if any(word in lowered for word in words):
            return failure
    return Failure.REJECTED
