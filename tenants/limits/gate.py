"""In front of Django: whose minute is used up is refused without any of it, and not at once."""

import json
import threading
from collections.abc import Callable, Iterable
from time import sleep
from typing import Any

from controlplane.core import problems
from controlplane.core.models import new_id
from tenants.environments.marks import HEADER
from tenants.limits import admission

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
# Who sends one request after the other gets to ten of them a second by each of its connections.
HELD_BACK_SECONDS = 0.1


class Gate:
    """A WSGI application around another one.

    A flood costs the tenants beside it what its refusals cost. Here one takes a hash and a look-up;
    a request that Django refuses goes through every middleware first, while the threads of others
    wait for the interpreter. TenantMiddleware asks the same for whatever is not named by a key.

    Cheap answers alone would let a flood have both processors with twenty thousand of them a
    second. So the answer is held back, asleep, on one of the threads that the server has besides
    the `threads` that carry out requests. Where all of the `spare` ones sleep, it is given at once:
    never does a flood take a thread from a request that is to be carried out.
    """

    def __init__(self, application: Application, *, threads: int, spare: int) -> None:
        self._application = application
        self._carrying_out = threading.BoundedSemaphore(threads)
        self._holding_back = threading.Semaphore(spare)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if shown := environ.get("HTTP_AUTHORIZATION"):
            refused = admission.just_refused(admission.claim_by(environ, shown))
            if refused is not None:
                self._hold_back()
                return _refuse(refused, start_response)
        with self._carrying_out:
            return self._application(environ, start_response)

    def _hold_back(self) -> None:
        if self._holding_back.acquire(blocking=False):
            try:
                sleep(HELD_BACK_SECONDS)
            finally:
                self._holding_back.release()


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
