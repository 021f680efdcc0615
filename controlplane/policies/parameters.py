"""Where the parameters of rules come from.

The catalog, a floor above, knows an installation's parameters and registers how to look them up.
"""

import uuid
from collections.abc import Callable
from typing import Any

Provider = Callable[[uuid.UUID | None], dict[str, Any]]


def _none(installation_id: uuid.UUID | None) -> dict[str, Any]:
    return {}


_provider: Provider = _none


def register_provider(provider: Provider) -> None:
    """`provider(installation_id)` answers with that installation's parameters by name."""
    global _provider
    _provider = provider


def parameters_for(installation_id: uuid.UUID | None) -> dict[str, Any]:
    """Empty for a caller that belongs to no installation; the context's defaults then stand."""
    return _provider(installation_id)
