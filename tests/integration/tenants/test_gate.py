"""Before Django: a flood is refused there, late, and takes nobody's thread."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client

from tenants.limits.gate import Gate
from tenants.limits.plans import Resource
from tenants.models import Tenant
from tests.factories.limits import forget_counts, limit


@pytest.fixture(autouse=True)
def _counters_of_this_test() -> Iterator[None]:
    yield
    forget_counts()


class Server:
    """Granian's threads before the gate; behind it an application that notes who got through."""

    def __init__(self, *, threads: int = 1, spare: int = 0) -> None:
        self.reached: list[str] = []
        self.gate = Gate(self._django, threads=threads, spare=spare)

    def knock(self, client: Client) -> tuple[str, dict[str, str], bytes]:
        told: list[Any] = []
        environ = client.request(PATH_INFO="/api/v1/whoami").wsgi_request.environ
        body = b"".join(self.gate(environ, lambda *given: told.append(given)))
        return told[0][0], dict(told[0][1]), body

    def _django(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.reached.append(environ["HTTP_AUTHORIZATION"])
        start_response("200 OK", [])
        return []


def test_a_flood_does_not_get_as_far_as_django(
    north: Tenant, south: Tenant, machine: Callable[..., Client]
) -> None:
    limit(north, Resource.REQUESTS, 1)
    noisy, quiet = machine(north), machine(south)
    refused = [noisy.get("/api/v1/whoami") for _number in range(2)][1]
    server = Server()

    status, headers, body = server.knock(noisy)

    assert status == "429 Too Many Requests"
    assert json.loads(body) == refused.json()
    assert headers["Retry-After"] == refused["Retry-After"]
    assert headers["Content-Type"] == "application/problem+json"
    assert server.reached == []
    assert server.knock(quiet)[0] == "200 OK"
    assert len(server.reached) == 1


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> Iterator["Naps"]:
    naps = Naps()
    asleep = time.sleep
    monkeypatch.setattr("tenants.limits.gate.sleep", naps.sleep)
    assert time.sleep is asleep, "everybody would sleep until the test is over"
    yield naps
    naps.over.set()


class Naps:
    """Sleep that lasts until the test is over."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Semaphore(0), threading.Event()

    def sleep(self, _seconds: float) -> None:
        self.begun.release()
        self.over.wait(30)


def test_a_flood_is_held_back_on_threads_besides_and_takes_nobodys(
    north: Tenant, south: Tenant, machine: Callable[..., Client], naps: Naps
) -> None:
    limit(north, Resource.REQUESTS, 1)
    noisy, quiet = machine(north), machine(south)
    for _number in range(2):
        noisy.get("/api/v1/whoami")
    server = Server(threads=1, spare=2)

    with ThreadPoolExecutor(2) as flood:
        held = [flood.submit(server.knock, noisy) for _number in range(2)]
        for _number in range(2):
            assert naps.begun.acquire(timeout=10), "a refusal was not held back"
        # Both threads besides sleep: the next refusal is not held back, nor is anybody's request.
        assert server.knock(noisy)[0] == "429 Too Many Requests"
        assert server.knock(quiet)[0] == "200 OK"
        assert not any(one.done() for one in held)
        naps.over.set()
        assert {one.result()[0] for one in held} == {"429 Too Many Requests"}


def test_no_more_requests_are_carried_out_at_once_than_there_are_threads_for(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    caller = machine(north)
    inside_now, most = [0], [0]

    def django(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        inside_now[0] += 1
        most[0] = max(most[0], inside_now[0])
        time.sleep(0.01)
        inside_now[0] -= 1
        start_response("200 OK", [])
        return []

    environ = caller.request(PATH_INFO="/api/v1/whoami").wsgi_request.environ
    gate = Gate(django, threads=1, spare=7)
    with ThreadPoolExecutor(8) as requests:
        done = [requests.submit(gate, environ, lambda *_: None) for _number in range(8)]
    assert [one.result() for one in done] == [[]] * 8
    assert most == [1]
