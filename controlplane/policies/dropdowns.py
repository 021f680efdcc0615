"""What a node's drop-downs show of policies."""

from django.db.models import Q, QuerySet

from controlplane.nodes.choices import Choice, ChoiceList, matching, offer
from controlplane.policies.contexts import context_names, get_context
from controlplane.policies.models import Policy

_TRIES = frozenset({"policies:evaluate", "policies:simulate"})


def register() -> None:
    offer(
        ChoiceList("policies", "a policy", "ID", _TRIES, _policies, _shown),
        ChoiceList(
            "policy_contexts",
            "a context",
            "Name",
            _TRIES | {"decisions:read"},
            _contexts,
            lambda one: one,
        ),
    )


def _policies(search: str) -> QuerySet[Policy]:
    found = Policy.objects.only("title", "slug", "context", "is_active").order_by("title", "pk")
    return found.filter(Q(title__icontains=search) | Q(slug__icontains=search)) if search else found


def _shown(row: Policy) -> Choice:
    state = "" if row.is_active else " (switched off)"
    return Choice(str(row.pk), f"{row.title}{state}", row.context)


def _contexts(search: str) -> list[Choice]:
    known = [Choice(name, get_context(name).title or name) for name in context_names()]
    return matching(known, search)
