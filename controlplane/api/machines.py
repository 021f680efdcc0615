"""A short chain of middleware for machines: nothing in it reads a cookie.

A machine comes with an API key, or to the intake with a signature. Sessions, CSRF, messages, HTMX,
allauth and static files are for people; a machine's request paid for all of them. It leaves
`MIDDLEWARE` at the outermost one and goes through `MACHINE_MIDDLEWARE` instead.

Who has a cookie and no key stays where CSRF is checked. Who has both is a machine: its cookie is
read by nobody, here as before.
"""

from collections.abc import Callable
from typing import Any, cast

from csp.constants import HEADER as CSP_HEADER
from csp.utils import build_policy
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from tenants.doors import key_shown

INTAKE = "/in/"
# Of every address that begins so, a key or a member is asked for; nothing else stands there.
API = "/api/v"


class MachineMiddleware:
    """The outermost: takes machines past everything that stands inside of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._short = MachineHandler().respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._short(request) if is_of_a_machine(request) else self.get_response(request)


def is_of_a_machine(request: HttpRequest) -> bool:
    """Told by the path and the header alone: whether the key is good, its door finds out."""
    path = request.path_info
    return path.startswith(INTAKE) or (path.startswith(API) and key_shown(request) is not None)


class MachineHandler(BaseHandler):
    """Django's own handler, with another list of middleware."""

    def __init__(self) -> None:
        self.load_middleware()
        # No page is made here, so none has a policy of its own.
        self._policy = build_policy()

    def load_middleware(self, is_async: bool = False) -> None:
        """As Django's, of `MACHINE_MIDDLEWARE`; each of them has to be a synchronous class."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        chain: Any = convert_exception_to_response(self._get_response)
        for name in reversed(settings.MACHINE_MIDDLEWARE):
            middleware = import_string(name)(chain)
            if hasattr(middleware, "process_view"):
                self._view_middleware.insert(0, middleware.process_view)
            chain = convert_exception_to_response(middleware)
        self._middleware_chain = chain

    def respond(self, request: HttpRequest) -> HttpResponse:
        # Nobody is logged in here, whatever cookie came along: a door that asks is told so.
        request.user = AnonymousUser()
        response = cast(HttpResponse, self._middleware_chain(request))
        response.headers.setdefault(CSP_HEADER, self._policy)
        if not response.streaming:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response
