"""Every address of both URL configurations, and the ones that are open on purpose.

A new address needs nothing here when it has a door (`@enters(Door.…)`): the matrix finds it. One
that enters no tenant, or lets anybody in, has to say why.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tenants.doors import Door, door_of
from tests.factories.shared_addresses import SHARED

__all__ = [
    "ADDRESSES",
    "METHODS",
    "NEEDS_NO_SCOPE",
    "OF_THE_CUSTOMER",
    "PUBLIC",
    "SHARED",
    "TAKES_IN",
    "Address",
    "behind",
]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

# Addresses of a tenant's host for everybody (Door.HOST): each takes something in, or says what
# stands in its own address; none reads a row.
PUBLIC = {
    "support/": "the form by which customers write",
    "support/thanks/": "repeats the number that stands signed in the address",
    "approvals/by-mail/<str:token>/": "by a signed link that was mailed to one member: test_links",
}
# Beginnings of addresses about the customer, who is the same in production and in the sandbox.
OF_THE_CUSTOMER = ("members/",)
# Of the public ones, what may add a row to the tenant without anybody being known.
TAKES_IN = {"support/"}
# Addresses for keys (Door.KEY) at which a key without any scope is not refused.
NEEDS_NO_SCOPE = {
    "api/v1/whoami": "says to which tenant the key belongs, which its owner knows",
}


@dataclass(frozen=True)
class Address:
    host: str
    route: str
    view: Callable[..., Any]

    @property
    def door(self) -> Door:
        return door_of(self.view)

    @property
    def names_a_row(self) -> bool:
        return "<uuid" in self.route

    def __str__(self) -> str:
        return f"{self.host}:{self.route}"


def _walk(patterns: list[Any], before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":  # Django's own: test_admin
                yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


ADDRESSES = [
    Address(host, route, view)
    for host, urlconf in (
        ("platform", "controlplane.urls"), ("tenant", "controlplane.tenant_urls"),
    )
    for route, view in _walk(get_resolver(urlconf).url_patterns)
]  # fmt: skip


def behind(*doors: Door, host: str | None = None) -> list[Address]:
    return [a for a in ADDRESSES if a.door in doors and host in (None, a.host)]
