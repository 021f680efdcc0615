"""What a node's drop-downs show of knowledge: its collections."""

from django.db.models import Q, QuerySet

from controlplane.knowledge.models import Collection
from controlplane.nodes.choices import Choice, ChoiceList, offer

_SCOPES = frozenset({"knowledge:read", "knowledge:search", "knowledge:write"})


def register() -> None:
    offer(
        ChoiceList(
            "collections", "a collection", "Short Name or ID", _SCOPES, _collections, _shown
        ),
    )


def _collections(search: str) -> QuerySet[Collection]:
    found = Collection.objects.order_by("name", "pk")
    return found.filter(Q(name__icontains=search) | Q(slug__icontains=search)) if search else found


def _shown(row: Collection) -> Choice:
    state = "" if row.is_active else " (inactive)"
    return Choice(row.slug, f"{row.name}{state}", row.language)
