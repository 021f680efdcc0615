"""How a view says which tenant it serves. `tenants.middleware` enters it around the view.

A view without a declared door stays in the shared schema, where it reads no tenant's rows.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from django.http import HttpRequest

ViewT = TypeVar("ViewT", bound=Callable[..., object])


class Door(StrEnum):
    SHARED = "shared"
    """No tenant: log-in, health, schema."""
    PATH = "path"
    """The tenant stands in the path (`<slug:tenant>`); the view checks a signature itself."""
    KEY = "key"
    """The tenant is the API key's."""
    KEY_OR_MEMBER = "key_or_member"
    """The API key's, or the host's for a member who is logged in."""
    MEMBER = "member"
    """The host's, for its members only."""
    HOST = "host"
    """The host's, for everybody: nothing of the tenant's may be shown there, only taken in."""


OPEN_DOORS = frozenset({Door.PATH, Door.HOST})
"""Nobody is known yet when the tenant is entered."""


def enters(door: Door) -> Callable[[ViewT], ViewT]:
    def mark(view: ViewT) -> ViewT:
        view.tenant_door = door  # type: ignore[attr-defined]
        return view

    return mark


def door_of(view: Callable[..., object]) -> Door:
    return getattr(view, "tenant_door", Door.SHARED)


def key_shown(request: HttpRequest) -> str | None:
    """What the request shows as an API key, good or not; None where it shows none."""
    scheme, _sep, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
