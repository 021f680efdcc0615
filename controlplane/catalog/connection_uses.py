"""Which installations call a connection: those whose parameters name it, by ID or by name."""

from typing import Any

from controlplane.catalog.models import Installation
from controlplane.connections.models import Connection


def installations_with(connection: Connection) -> list[str]:
    """The titles of their templates, in the tenant that is entered."""
    names = {str(connection.pk), connection.name.casefold()}
    found = Installation.objects.present().only("template_title", "parameters")
    return [one.template_title for one in found if _names(one.parameters, names)]


def _names(value: Any, names: set[str]) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return any(_names(each, names) for each in inner)
    return isinstance(value, str) and value.strip().casefold() in names
