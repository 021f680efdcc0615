"""The sentence of a reason: a rule's message with values of the input put in for {names}."""

import re
from collections.abc import Mapping
from typing import Any

from controlplane.policies.contexts import PARAMETERS, Context
from controlplane.policies.grammar import RuleInvalid
from controlplane.policies.shapes import Record, Scalar, Shape

_PLACE = re.compile(r"\{([^{}]*)\}")
_LONGEST_VALUE = 400


def check_message(message: str, context: Context) -> None:
    """Raises RuleInvalid where the message names a value that the context does not have."""
    for path in _PLACE.findall(message):
        shape: Shape | None = context.shape
        for name in path.split("."):
            shape = shape.fields.get(name) if isinstance(shape, Record) else None
        is_parameter = path.partition(".")[0] == PARAMETERS
        if not is_parameter and not isinstance(shape, Scalar):
            raise RuleInvalid(
                f"The message puts in {{{path}}}, which is not a single value of {context.name}. "
                "Take one of the fields that rules can read.",
                field="message",
            )


def fill_message(message: str, facts: Mapping[str, Any]) -> str:
    """A value that is missing leaves “?”, since a reason must always reach people."""

    def value_at(found: re.Match[str]) -> str:
        value: Any = facts
        for name in found[1].split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return (
            "?" if value is None or isinstance(value, dict | list) else str(value)[:_LONGEST_VALUE]
        )

    return _PLACE.sub(value_at, message)
