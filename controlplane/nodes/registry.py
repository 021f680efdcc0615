"""All declared operations, found in each app's `operations` module as admin finds its own."""

from functools import cache

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules

from controlplane.nodes.operation import Operation, undescribed_fields

_operations: dict[str, Operation] = {}


def file(declared: Operation) -> None:
    """Add one; a duplicate or a field without a description stops the start."""
    if declared.key in _operations:
        raise ImproperlyConfigured(f"operation {declared.key} is declared twice")
    for model in (declared.input_model, declared.output_model):
        if missing := undescribed_fields(model):
            raise ImproperlyConfigured(f"operation {declared.key}: {missing} have no description")
    _operations[declared.key] = declared


@cache
def _discover() -> None:
    autodiscover_modules("operations")


def all_operations() -> list[Operation]:
    """Sorted by key, so that generated files do not depend on import order."""
    _discover()
    return [_operations[key] for key in sorted(_operations)]


def get_operation(resource: str, name: str) -> Operation | None:
    _discover()
    return _operations.get(f"{resource}.{name}")
