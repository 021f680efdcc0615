"""What a node's drop-downs show of the catalog: templates that the tenant may clone."""

from django.db.models import Q, QuerySet

from controlplane.catalog.models import Template
from controlplane.nodes.choices import Choice, ChoiceList, offer

_SCOPES = frozenset({"installations:read", "installations:write"})


def register() -> None:
    offer(
        ChoiceList("templates", "a template", "Short Name", _SCOPES, _templates, _shown),
    )


def _templates(search: str) -> QuerySet[Template]:
    """The database keeps from a tenant what is not its partners' or the platform's."""
    found = Template.objects.offered().order_by("title", "pk")
    return found.filter(Q(title__icontains=search) | Q(slug__icontains=search)) if search else found


def _shown(row: Template) -> Choice:
    return Choice(row.slug, row.title, row.summary)
