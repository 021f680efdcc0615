"""What commands about installations are told on the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError


def add_place(parser: ArgumentParser) -> None:
    """Which template at which tenant, in which release and with which values."""
    parser.add_argument("tenant", help="slug of the tenant, or of a sandbox")
    parser.add_argument("template", help="slug of the template")
    parser.add_argument("--to", default="", help="a version; else the latest live one")
    parser.add_argument("--parameters", default="{}", help="a JSON object of values")


def parameters_of(text: str) -> dict[str, Any]:
    """Values of a template's parameters by name, from a JSON object. Raises CommandError."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--parameters: {error}") from error
    if not isinstance(found, dict):
        raise CommandError('--parameters: give a JSON object, such as {"max_quantity": 8}')
    return found
