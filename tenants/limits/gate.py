"""In front of Django: whose minute is used up is refused without any of it."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from controlplane.core import problems
from controlplane.core.models import new_id
from tenants.environments.marks import HEADER
from tenants.limits import admission

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Gate:
    """A WSGI application around another one.

    A flood costs the tenants beside it what its refusals cost. Here one takes a hash and a look-up;
    a request that Django refuses goes through every middleware first, while the threads of others
    wait for the interpreter. TenantMiddleware asks the same for whatever is not named by a key.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if shown := environ.get("HTTP_AUTHORIZATION"):
            refused = admission.just_refused(admission.claim_by(environ, shown))
            if refused is not None:
                return _refuse(refused, start_response)
        return self._application(environ, start_response)


def _refuse(refused: admission.Refused, start_response: StartResponse) -> list[bytes]:
    body = json.dumps(problems.from_error(refused.error)).encode()
    headers = {
        "Content-Type": problems.CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "X-Request-ID": str(new_id()),
        HEADER: refused.environment,
        **problems.headers_of(refused.error),
    }
    start_response("429 Too Many Requests", list(headers.items()))
    return [body]
