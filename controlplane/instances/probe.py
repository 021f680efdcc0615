"""How an instance is: asked from outside it, in a few seconds, without touching the database."""

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from controlplane.instances.client import N8nClient
from controlplane.instances.client.errors import InstanceError, InstanceRefused
from controlplane.instances.models import Instance

TIMEOUT = httpx.Timeout(4.0, connect=2.0)
SLOW_SECONDS = 2.0
TRIES = 2

_SENTRY = re.compile(r'<meta name="n8n:config:sentry" content="([A-Za-z0-9+/=]+)"')


@dataclass(frozen=True)
class Health:
    """`version` is empty where n8n does not tell it."""

    status: Instance.Health
    detail: str
    version: str = ""


def probe(
    base_url: str,
    api_key: str,
    *,
    transport: httpx.BaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Health:
    """Is it ready, does it take our key, is it quick about it. Raises nothing of n8n's."""
    began = clock()
    with N8nClient(base_url, api_key, timeout=TIMEOUT, tries=TRIES, transport=transport) as n8n:
        try:
            ready = n8n.send("GET", f"{n8n.base_url}/healthz/readiness", doing="check health")
        except InstanceError as error:
            return Health(Instance.Health.DOWN, error.detail)
        if not ready.is_success:
            return Health(
                Instance.Health.DOWN,
                f"n8n at {base_url} is not ready: /healthz/readiness answers "
                f"{ready.status_code}. It may be starting, or its database is away.",
            )
        try:
            n8n.call("GET", "/workflows", doing="use the API key", params={"limit": "1"})
        except InstanceRefused as error:
            return Health(Instance.Health.DEGRADED, error.detail)
        except InstanceError as error:
            return Health(Instance.Health.DOWN, error.detail)
        took = clock() - began
        version = _version(n8n)
    if took > SLOW_SECONDS:
        detail = f"It answers, but took {took:.1f} s for two small requests."
        return Health(Instance.Health.DEGRADED, detail, version)
    return Health(Instance.Health.OK, "", version)


def _version(n8n: N8nClient) -> str:
    """From the editor's first page: the public API does not tell the version."""
    try:
        page = n8n.send("GET", f"{n8n.base_url}/", doing="read the version")
        found = _SENTRY.search(page.text)
        release = json.loads(base64.b64decode(found[1]))["release"] if found else ""
    except (InstanceError, ValueError, KeyError, TypeError):
        return ""
    return str(release).removeprefix("n8n@")[:20]
