"""What a node's drop-downs show of events: where they come from, and what there is to hear of."""

from django.db.models import Q, QuerySet

from controlplane.events.models import Source
from controlplane.events.types import EVENT_TYPES
from controlplane.nodes.choices import Choice, ChoiceList, matching, offer

_SCOPES = frozenset({"events:read", "events:subscribe", "events:emit"})


def register() -> None:
    offer(
        ChoiceList("sources", "a source", "Short Name", _SCOPES, _sources, _shown),
        ChoiceList("event_types", "a type", "Name", _SCOPES, _types, lambda one: one),
    )


def _sources(search: str) -> QuerySet[Source]:
    found = Source.objects.present().only("slug", "name", "kind").order_by("name", "pk")
    return found.filter(Q(name__icontains=search) | Q(slug__icontains=search)) if search else found


def _shown(row: Source) -> Choice:
    return Choice(row.slug, row.name, row.get_kind_display())


def _types(search: str) -> list[Choice]:
    known = EVENT_TYPES.values()
    return matching([Choice(one.name, one.label, one.description) for one in known], search)
