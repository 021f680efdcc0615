"""The three flows of the demo: how a thing of each kind comes in, and how it stands.

`play` and `watch` know no order, invoice or ticket; each flow is a module with the same four names.
"""

import hashlib
import hmac
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import httpx
from django.conf import settings

if TYPE_CHECKING:
    from deploy.demo.story import Chapter
    from deploy.demo.world import Place


@dataclass(frozen=True)
class State:
    """What Pergola knows of one thing by now. `figure` is what a reader compares."""

    subject_type: str
    subject_id: uuid.UUID
    figure: str
    verdict: str
    outcome: str


class Flow(Protocol):
    """A module of this package."""

    TEMPLATE: str
    SOURCE: str
    """The source's address; `NAME` and `KIND` say the rest of it."""
    NAME: str
    KIND: str

    __name__: str

    def send(self, place: "Place", chapter: "Chapter", *, number: int) -> str:
        """Through the front door, as often as the chapter says. Returns the event's id."""

    def look(self, event_id: str) -> State | None:
        """In the tenant that is entered; None before n8n's first call."""


def all_flows() -> list[Flow]:
    """In the order in which the demo tells of them."""
    # Here, since each imports this package, and Django's models.
    from deploy.demo.flows import invoices, orders, tickets

    return [orders, invoices, tickets]  # type: ignore[list-item]


def flow_named(name: str) -> Flow:
    """By the last part of the module's name, as chapters say it."""
    return next(flow for flow in all_flows() if str(flow.__name__).endswith(f".{name}"))


def post(
    place: "Place", source: str, body: bytes, headers: dict[str, str], *, copies: int = 1
) -> str:
    """To the source's address. Every copy must be taken for the same event; returns its id."""
    seen = set()
    with httpx.Client(timeout=30, trust_env=False) as client:
        for _copy in range(copies):
            address = f"{settings.PUBLIC_URL}/in/{place.tenant.slug}/{source}"
            answer = client.post(address, content=body, headers=headers)
            if not answer.is_success:
                raise AssertionError(f"{address} answered {answer.status_code}: {answer.text}")
            seen.add(answer.json()["event_id"])
    if len(seen) != 1:
        raise AssertionError(f"{copies} copies to {source} became {len(seen)} events")
    return str(seen.pop())


def signed(body: bytes, secret: str, *, number: int) -> dict[str, str]:
    """The headers of a sender that is no shop: its own id, and an HMAC over the body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Pergola-Signature": f"sha256={digest}", "X-Pergola-Id": f"demo-{number}"}


def first_number() -> int:
    """Large whole numbers that begin where no earlier run's did."""
    return int(time.time() * 10)
