"""What a tenant can choose from where a parameter names a row of its own.

Each kind is registered once, by whoever knows the rows: key and label of each, in the tenant that
is entered.
"""

from collections.abc import Callable, Collection
from typing import Any

from controlplane.catalog.manifest import Manifest, ParameterSpec
from controlplane.connections.kinds import fitting
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


def choices_for(spec: ParameterSpec) -> list[tuple[str, str]]:
    """Those that fit the parameter: of connections, the kinds that it takes."""
    found = choices_of(spec.type)
    if not spec.connection_kinds:
        return found
    fit = _connections_of(spec.connection_kinds)
    return [(key, label) for key, label in found if key in fit]


def unknown_choices(manifest: Manifest, values: dict[str, Any]) -> list[FieldError]:
    """The values that name nothing in this tenant, or a connection that does not fit."""
    known: dict[tuple[str, ...], set[str]] = {}
    errors = []
    for spec in manifest.parameters:
        if spec.type not in ROWS or spec.name not in values:
            continue
        asked = (spec.type, *spec.connection_kinds)
        if asked not in known:
            known[asked] = {key for key, _label in choices_for(spec)}
        if values[spec.name] not in known[asked]:
            errors.append(FieldError(spec.name, _what_is_wrong(spec, values[spec.name])))
    return errors


def _what_is_wrong(spec: ParameterSpec, value: str) -> str:
    named = dict(choices_of(spec.type)).get(value)
    if named is None:
        return f"names “{value}”, which is not here"
    return f"names “{named}”, which is of another kind; it takes {', '.join(spec.connection_kinds)}"


def _connections_of(kinds: Collection[str]) -> set[str]:
    from controlplane.connections.models import Connection

    names = [kind.name for kind in fitting(kinds)]
    return {
        str(pk) for pk in Connection.objects.filter(kind__in=names).values_list("pk", flat=True)
    }


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
