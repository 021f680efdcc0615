"""The key, and the limits where they are asked for; there is one tenant and nothing to enter."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tenants.limits.admission import admitted
from tenants.models import ApiKey
from tenants.models.keys import KeyText

_ATTACHED: dict[str, Any] = {}


class PlainMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.tenant = request.member = request.api_key = None  # type: ignore[attr-defined]
        request.in_tenant_admin = False  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: Any, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        text = request.headers.get("Authorization", "")
        if not text:
            return None
        given = KeyText.parse(text.split(" ")[1])
        assert given
        usable = ApiKey.objects.usable(at=timezone.now()).select_related("tenant")
        request.api_key = key = usable.get(prefix=given.prefix)
        assert key.matches(given)
        key.tenant.__dict__["allowances"] = {"requests": 10**9}
        # What code below the doors asks of the tenant; kept from request to request, as there.
        key.tenant.attached = _ATTACHED
        connection.tenant = key.tenant  # type: ignore[attr-defined]
        with (
            admitted(key.tenant, given.prefix, is_open=False)
            if settings.BENCH_LIMITS
            else nullcontext()
        ):
            return view(request, *args, **kwargs)
