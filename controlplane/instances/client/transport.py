"""The one place that speaks HTTP with n8n's public API: time-outs, retries, errors, paging."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, cast

import httpx
import tenacity

from controlplane.core.http import authorities
from controlplane.instances.client.errors import (
    AccessDenied,
    InstanceRefused,
    InstanceUnreachable,
    KeyRejected,
    LicenceNeeded,
    NotFound,
)

Json = dict[str, Any]

TIMEOUT = httpx.Timeout(15.0, connect=3.0)
# Node closes idle connections after 5 s; reusing one at that moment would lose a POST.
LIMITS = httpx.Limits(max_connections=10, keepalive_expiry=2.0)
TRIES = 4
PAGE = 100
MAX_PAGES = 500

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BROKEN_OFF = (*_NOT_SENT, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
_BUSY = frozenset({429, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "PUT", "DELETE", "OPTIONS"})


class Transport:
    """Requests to one instance with one key, which goes to its API and nowhere else."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        tries: int = TRIES,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.sleep = sleep
        self._key = {"X-N8N-API-KEY": api_key}
        self._tries = tries
        self._http = httpx.Client(
            timeout=timeout,
            limits=LIMITS,
            headers={"Accept": "application/json"},
            follow_redirects=False,
            trust_env=False,
            verify=authorities(),
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        body: Any = None,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON of the answer, or None where there is none. Raises InstanceError."""
        url = f"{self.base_url}/api/v1{path}"
        response = self.send(method, url, doing=doing, body=body, params=params, headers=self._key)
        if response.is_success:
            return self._json(response, doing=doing)
        raise refusal(response, base_url=self.base_url, doing=doing)

    def pages(self, path: str, *, doing: str, params: Mapping[str, str]) -> Iterator[Json]:
        """Every item of a listing, following `nextCursor`."""
        query = {"limit": str(PAGE), **params}
        for _page in range(MAX_PAGES):
            answer = self.call("GET", path, doing=doing, params=query)
            yield from answer["data"]
            cursor = answer.get("nextCursor")
            if not cursor:
                return
            query = {**query, "cursor": cursor}
        raise InstanceRefused(
            base_url=self.base_url,
            doing=doing,
            upstream_status=httpx.codes.OK,
            message=f"the list did not end after {MAX_PAGES} pages",
            advice="Narrow the list by tag, name or workflow.",
        )

    def send(
        self,
        method: str,
        url: str,
        *,
        doing: str,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer, whatever its status; repeated only where a repetition cannot act twice."""
        repeatable = method in _REPEATABLE
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._tries),
            wait=tenacity.wait_random_exponential(multiplier=0.3, min=0.1, max=4.0),
            retry=tenacity.retry_if_exception_type(_BROKEN_OFF if repeatable else _NOT_SENT)
            | tenacity.retry_if_result(lambda r: repeatable and r.status_code in _BUSY),
            retry_error_callback=_last_outcome,
            sleep=self.sleep,
        )
        try:
            return retrying(
                self._http.request, method, url, json=body, params=params, headers=headers
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InstanceUnreachable(
                base_url=self.base_url,
                doing=doing,
                reason=str(error) or type(error).__name__,
                sent=not isinstance(error, _NOT_SENT),
            ) from error

    def _json(self, response: httpx.Response, *, doing: str) -> Any:
        if response.status_code == httpx.codes.NO_CONTENT or not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise InstanceRefused(
                base_url=self.base_url,
                doing=doing,
                upstream_status=response.status_code,
                message="the answer is not JSON, so this is not n8n's public API",
                advice="Check the address, and that the n8n has its public API switched on.",
            ) from error


def refusal(response: httpx.Response, *, base_url: str, doing: str) -> InstanceRefused:
    """The typed error of an answer that is not a success."""
    status, message = response.status_code, _message(response)
    kind: type[InstanceRefused] = InstanceRefused
    advice = ""
    if response.is_redirect:
        message = f"it redirects to {response.headers.get('location', 'nowhere')[:200]}"
        advice = "Store the address that n8n itself answers at, without a redirect."
    elif status == httpx.codes.UNAUTHORIZED:
        kind = KeyRejected
    elif status == httpx.codes.FORBIDDEN:
        kind = LicenceNeeded if "license" in message.lower() else AccessDenied
    elif status == httpx.codes.NOT_FOUND and _is_json(response):
        kind = NotFound
    elif status == httpx.codes.NOT_FOUND:
        # Not n8n's API at all, or not yet: its routes come after its port.
        advice = (
            "If it is just starting, try again in a minute; else check the address, and that the "
            "n8n has its public API switched on."
        )
    elif status in _BUSY or status >= 500:
        advice = "Try again in a minute; if it stays so, look at that n8n's log."
    return kind(
        base_url=base_url, doing=doing, upstream_status=status, message=message, advice=advice
    )


def _message(response: httpx.Response) -> str:
    if _is_json(response):
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if isinstance(answer, dict) and isinstance(answer.get("message"), str):
            return str(answer["message"])[:500]
    return response.reason_phrase or "no reason given"


def _is_json(response: httpx.Response) -> bool:
    return "json" in response.headers.get("content-type", "")


def _last_outcome(state: tenacity.RetryCallState) -> Any:
    """After the last try: its answer as it is, or its own exception."""
    return cast(tenacity.Future, state.outcome).result()
