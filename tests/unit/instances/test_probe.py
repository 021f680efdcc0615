"""What an instance's answers say about its health."""

import base64

import httpx
import pytest

from controlplane.instances.models import Instance
from controlplane.instances.probe import Health, probe

BASE = "http://127.0.0.1:5678"
RELEASE = base64.b64encode(b'{"release":"n8n@2.41.1"}').decode()
PAGE = f'<meta name="n8n:config:sentry" content="{RELEASE}">'
LISTING = {"data": [], "nextCursor": None}


def n8n(ready: int = 200, api: int = 200, page: str = PAGE) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/healthz/readiness":
                return httpx.Response(ready, json={"status": "ok"})
            case "/api/v1/workflows":
                return httpx.Response(api, json=LISTING if api == 200 else {"message": "No"})
            case _:
                return httpx.Response(200, html=page)

    return httpx.MockTransport(answer)


def test_a_ready_instance_is_ok_and_tells_its_version() -> None:
    assert probe(BASE, "key", transport=n8n()) == Health(Instance.Health.OK, "", "2.41.1")


@pytest.mark.parametrize("page", ["", '<meta name="n8n:config:sentry" content="AAAA">'])
def test_a_version_that_is_not_told_stays_open(page: str) -> None:
    assert probe(BASE, "key", transport=n8n(page=page)) == Health(Instance.Health.OK, "")


def test_a_starting_instance_is_down() -> None:
    found = probe(BASE, "key", transport=n8n(ready=500))

    assert found.status == Instance.Health.DOWN
    assert "not ready" in found.detail


def test_a_rejected_key_degrades() -> None:
    found = probe(BASE, "key", transport=n8n(api=401))

    assert found.status == Instance.Health.DEGRADED
    assert "Make a new key" in found.detail


def test_a_slow_answer_degrades() -> None:
    times = iter([0.0, 3.5])

    found = probe(BASE, "key", transport=n8n(), clock=lambda: next(times))

    assert found.status == Instance.Health.DEGRADED
    assert "3.5 s" in found.detail


def test_no_answer_is_down() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("timed out", request=request)

    found = probe(BASE, "key", transport=httpx.MockTransport(refuse))

    assert found.status == Instance.Health.DOWN
    assert "gave no answer" in found.detail
