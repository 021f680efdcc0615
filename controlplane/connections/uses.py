"""Who uses a connection: higher floors say so, so that none is taken away from under them."""

from collections.abc import Callable

from controlplane.connections.models import Connection

Find = Callable[[Connection], list[str]]
_finders: list[Find] = []


def register_use(find: Find) -> None:
    """From AppConfig.ready: `find(connection)` names what of the entered tenant uses it."""
    _finders.append(find)


def uses_of(connection: Connection) -> list[str]:
    return [use for find in _finders for use in find(connection)]
