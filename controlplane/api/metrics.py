"""`GET /metrics`: all measures of all processes, for Prometheus."""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from redis import RedisError

from controlplane.core import exposition, problems
from controlplane.core.errors import DomainError
from tenants import measures

LOOPBACK = {"127.0.0.1", "::1"}


class MetricsRefused(DomainError):
    code = "metrics_refused"
    status = 403
    title = "The measures are not shown here"


class MetricsAway(DomainError):
    code = "metrics_away"
    status = 503
    title = "The measures cannot be read"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """With METRICS_TOKEN to whoever shows it, without one to this machine alone."""
    if not _may_read(request):
        return problems.respond(
            MetricsRefused(
                "Send METRICS_TOKEN as `Authorization: Bearer …`. Where none is set, only this "
                "machine itself may ask, and not through a proxy."
            )
        )
    try:
        told = exposition.exposition(measures.of_tenants())
    except RedisError as error:
        return problems.respond(MetricsAway(f"Redis does not answer: {type(error).__name__}."))
    return HttpResponse(told, content_type=exposition.CONTENT_TYPE)


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        shown = request.headers.get("Authorization") or ""
        return secrets.compare_digest(shown.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    # Behind a proxy everybody seems to be of this machine.
    is_forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not is_forwarded
