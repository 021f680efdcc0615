"""What commands about installations are told on the command line."""

import json
from typing import Any

from django.core.management import CommandError


def parameters_of(text: str) -> dict[str, Any]:
    """Values of a template's parameters by name, from a JSON object. Raises CommandError."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--parameters: {error}") from error
    if not isinstance(found, dict):
        raise CommandError('--parameters: give a JSON object, such as {"max_quantity": 8}')
    return found
