"""Reading a rule into a parse tree, by `cel-python`'s grammar.

The engine (`engine.py`) evaluates with another parser. So that both read the same program, forms
that the two might split differently are refused here: backslashes, triple quotes, raw strings and
bytes. What the tree is used for is the bound on cost (`cost.py`).
"""

import re
from typing import Any

from celpy.celparser import CELParseError, CELParser

from controlplane.core.errors import DomainError, FieldError

LONGEST_RULE = 2000

# lark types a child as leaf or tree; which of them it is the grammar knows, and mypy does not.
Node = Any

_AMBIGUOUS = (
    (re.compile(r"\\"), "a backslash; write [.] rather than \\. in a pattern"),
    (re.compile(r"'''|\"\"\""), "a text in triple quotes; use single ones"),
)
# What stands in a text or a comment is skipped, so that 'b' is not taken for bytes.
_RAW = re.compile(r"""'[^'\n]*'|"[^"\n]*"|//[^\n]*|(?P<raw>\b[rRbB]{1,2}['"])""")


class RuleInvalid(DomainError):
    """`column` and `line` count from 1; 0 where the fault has no place."""

    code = "rule_invalid"
    status = 422
    title = "The rule cannot be used"

    def __init__(
        self, detail: str, *, column: int = 0, line: int = 1, field: str = "expression"
    ) -> None:
        self.column, self.line = column, line
        place = f"Line {line}, column {column}: " if line > 1 else f"Column {column}: "
        message = f"{place if column else ''}{detail}"
        super().__init__(message, errors=(FieldError(field, message),))


def refuse_ambiguous(expression: str) -> None:
    """Raises RuleInvalid for what two parsers might read in two ways, and for far too much."""
    if not expression.strip():
        raise RuleInvalid("The rule is empty. Write a CEL expression that is true when it applies.")
    if len(expression) > LONGEST_RULE:
        raise RuleInvalid(
            f"The rule has {len(expression)} characters, more than {LONGEST_RULE}. Split it."
        )
    found = [
        (match, name) for pattern, name in _AMBIGUOUS for match in pattern.finditer(expression)
    ]
    found += [
        (match, "a raw text or bytes; use a plain text")
        for match in _RAW.finditer(expression)
        if match["raw"]
    ]
    for match, name in found:
        line, column = place_of(expression, match.start())
        raise RuleInvalid(f"Rules may not contain {name}.", line=line, column=column)


def parse(expression: str) -> Node:
    """Raises RuleInvalid."""
    refuse_ambiguous(expression)
    try:
        return CELParser().parse(expression)
    except CELParseError as error:
        raise RuleInvalid(
            "Something is missing or not expected here. Put a condition inside a condition "
            "(a ? b : c) into parentheses.",
            line=error.line or 1,
            column=error.column or 0,
        ) from error


def place_of(expression: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1."""
    before = expression[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
