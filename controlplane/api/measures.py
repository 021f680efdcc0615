"""Counting at the doors, and who feeds the gauges of tenants."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

# Importing declares what they measure.
from controlplane.approvals import measures as approvals
from controlplane.events import measures as events
from controlplane.instances import measures as instances  # noqa: F401
from controlplane.policies import measures as policies  # noqa: F401

_RESULTS = {200: "duplicate", 202: "accepted"}


def feed_gauges() -> None:
    """From AppConfig.ready."""
    approvals.feed()
    events.feed()


def counted(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For the way in: outside of `answered`, so that refusals have become answers already."""

    @wraps(view)
    def receive(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        result = _RESULTS.get(response.status_code, "refused")
        reason = _code(response) if result == "refused" else ""
        events.INTAKE.add(request.tenant.pk, result, reason)
        return response

    return receive


def _code(response: HttpResponseBase) -> str:
    """Of the problem that was answered; only few words can stand there."""
    try:
        return str(json.loads(getattr(response, "content", b""))["code"])
    except (ValueError, KeyError, TypeError):
        return str(response.status_code)
