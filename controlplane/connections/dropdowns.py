"""What a node's drop-downs show of connections: never where they lead, nor how they log in."""

from django.db.models import Q, QuerySet

from controlplane.connections.kinds import offered
from controlplane.connections.models import Connection
from controlplane.nodes.choices import Choice, ChoiceList, matching, offer

_SCOPES = frozenset({"connections:read", "connections:use"})


def register() -> None:
    offer(
        ChoiceList("connections", "a connection", "Name or ID", _SCOPES, _connections, _shown),
        ChoiceList("connection_kinds", "a kind", "Name", _SCOPES, _kinds, lambda one: one),
    )


def _connections(search: str) -> QuerySet[Connection]:
    found = Connection.objects.only("name", "kind", "is_active").order_by("name", "pk")
    return found.filter(Q(name__icontains=search) | Q(kind__icontains=search)) if search else found


def _shown(row: Connection) -> Choice:
    state = "" if row.is_active else " (switched off)"
    return Choice(str(row.pk), f"{row.name}{state}", row.get_kind_display())


def _kinds(search: str) -> list[Choice]:
    return matching([Choice(kind.name, str(kind.label)) for kind in offered()], search)
