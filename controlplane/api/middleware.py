"""One log line a request, and an id on every line that it causes."""

import re
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import clear_contextvars

from controlplane.core.logs import bound, get_logger
from controlplane.core.models import new_id

log = get_logger(__name__)
QUIET = {"/healthz", "/readyz"}
# The token of a mailed link lets whoever has it set the password, or accept the invitation.
MAILED_LINK = re.compile(r"^(/accounts/password/[^/]+/|/invitations/)[^/]+")


class RequestLogMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        clear_contextvars()
        request_id, started = str(new_id()), time.perf_counter()
        with bound(request_id=request_id):
            response = self.get_response(request)
            if request.path not in QUIET:
                tenant = getattr(request, "tenant", None)
                log.info(
                    "request",
                    method=request.method,
                    path=MAILED_LINK.sub(r"\1…", request.path),
                    status=response.status_code,
                    ms=round((time.perf_counter() - started) * 1000, 1),
                    tenant=tenant.slug if tenant else None,
                )
        response.headers["X-Request-ID"] = request_id
        return response
