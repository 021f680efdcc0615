"""An outside system on the loopback, which the operator lets connections reach."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache

from controlplane.connections import broker, services
from controlplane.connections.models import Connection
from controlplane.core.actor import Actor, ActorKind
from tests.fakes.outside import FakeOutside, running_outside

BY = Actor(ActorKind.MACHINE, "1", "A workflow")
Make = Callable[..., Connection]


@pytest.fixture
def outside_system(settings: Any) -> Iterator[FakeOutside]:
    with running_outside() as fake:
        settings.CONNECTION_PRIVATE_HOSTS = [fake.host]
        yield fake


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody waits between tries, and no token outlives the test that got it."""
    monkeypatch.setattr(broker, "backoff", lambda *_args, **_kwargs: 0.0)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def make(tenant: Any, outside_system: FakeOutside) -> Make:
    """Of the tenant that is entered, to the fake."""

    def make(kind: str = "rest", name: str = "Shop", **given: Any) -> Connection:
        values = {"url": outside_system.url, **given.pop("values", {})}
        given.setdefault("allowed_methods", ["GET", "POST", "PUT", "DELETE", "HEAD"])
        return services.create_connection(name=name, kind=kind, values=values, by=BY, **given)

    return make
