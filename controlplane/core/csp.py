"""A looser Content-Security-Policy where a library's pages need one; the portal's stays strict."""

from collections.abc import Callable

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse

# unfold's pages are Alpine.js, which evaluates expressions in attributes; Swagger UI sets styles.
_LOOSER = {
    "admin": {
        "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
    },
    "api-docs": {"style-src": [SELF, UNSAFE_INLINE]},
}


class LooserForLibrariesMiddleware:
    """Stands inside CSPMiddleware, which writes the header from what is left on the response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match is not None and (kind := match.namespace or match.url_name) in _LOOSER:
            response._csp_replace = _LOOSER[kind]  # type: ignore[attr-defined]
        return response
