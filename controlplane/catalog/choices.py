"""What a tenant can choose from where a parameter names a row of its own.

Each kind is registered once, by whoever knows the rows: key and label of each, in the tenant that
is entered.
"""

from collections.abc import Callable
from typing import Any

from controlplane.catalog.manifest import Manifest
from controlplane.core.errors import FieldError

Provider = Callable[[], list[tuple[str, str]]]

# The types of parameters that name a row of the tenant's.
ROWS = frozenset({"connection", "approver_group", "policy"})

_providers: dict[str, Provider] = {}


def register_choices(kind: str, provider: Provider) -> None:
    """From AppConfig.ready. `kind` is a parameter's type: connection, approver_group, policy."""
    _providers[kind] = provider


def choices_of(kind: str) -> list[tuple[str, str]]:
    """Empty where nothing of the kind can be had."""
    return _providers[kind]() if kind in _providers else []


def unknown_choices(manifest: Manifest, values: dict[str, Any]) -> list[FieldError]:
    """The values that name nothing in this tenant."""
    known: dict[str, set[str]] = {}
    errors = []
    for spec in manifest.parameters:
        if spec.type not in ROWS or spec.name not in values:
            continue
        if spec.type not in known:
            known[spec.type] = {key for key, _label in choices_of(spec.type)}
        if values[spec.name] not in known[spec.type]:
            told = f"names “{values[spec.name]}”, which is not here"
            errors.append(FieldError(spec.name, told))
    return errors


def approver_groups() -> list[tuple[str, str]]:
    from controlplane.approvals.models import Group

    return list(Group.objects.order_by("name").values_list("slug", "name"))


def policies() -> list[tuple[str, str]]:
    from controlplane.policies.models import Policy

    return list(
        Policy.objects.filter(is_active=True).order_by("title").values_list("slug", "title")
    )


def connections() -> list[tuple[str, str]]:
    from controlplane.connections.models import Connection

    found = Connection.objects.filter(is_active=True).order_by("name")
    return [(str(one.pk), one.name) for one in found]
