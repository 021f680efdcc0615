"""Reads JSON that somebody else wrote, field by field: what cannot be read becomes a problem.

Nothing raises here, since an order with a broken telephone number is still an order; a problem
makes the policy hold it for a person.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from controlplane.core.text import made_storable
from controlplane.orders.normal import ZERO, Problem

LARGEST_AMOUNT = Decimal(9) * 10**11
"""Far above any order; in ten-thousandths (no currency is finer) still below 2^53."""

LARGEST_QUANTITY = 10**9
MOST_PROBLEMS = 50

_AMOUNT = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_STEP = Decimal("0.0001")


class NotJson(Exception):
    """The text is not JSON, or nested beyond reason."""


def parse_json(text: str) -> Any:
    """Numbers with a fraction stay exact, as Decimal. Raises NotJson."""
    try:
        return json.loads(text, parse_float=Decimal, parse_int=_whole, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def _whole(digits: str) -> int | Decimal:
    # Python refuses to convert thousands of digits; a Decimal takes them and is refused later.
    return int(digits) if len(digits) <= 40 else Decimal(digits)


class Reader:
    """One object of the payload; readers of nested objects share the list of problems."""

    def __init__(self, value: Any, path: str = "", problems: list[Problem] | None = None) -> None:
        self.path = path
        self.problems: list[Problem] = [] if problems is None else problems
        self.value: dict[str, Any] = value if isinstance(value, dict) else {}
        if value not in (None, "", []) and not isinstance(value, dict):
            self.report("wrong_type", "", f"is {kind_of(value)}, not an object")

    def __bool__(self) -> bool:
        return bool(self.value)

    def report(self, code: str, name: str, message: str) -> None:
        field = ".".join(part for part in (self.path, name) if part)
        problem = Problem(code, field, f"{field} {message}".strip())
        if problem not in self.problems and len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)

    def object(self, name: str) -> "Reader":
        return Reader(self.value.get(name), self._path(name), self.problems)

    def objects(self, name: str, *, most: int) -> Iterator["Reader"]:
        """Each element of an array; null and a missing array are empty."""
        items = self.value.get(name)
        if items in (None, "", {}):
            return
        if not isinstance(items, list):
            self.report("wrong_type", name, f"is {kind_of(items)}, not a list")
            return
        if len(items) > most:
            self.report("too_many", name, f"has {len(items)} entries; {most} were read")
        for index, item in enumerate(items[:most]):
            if item is None:
                self.report("wrong_type", f"{name}.{index}", "is null")
            else:
                yield Reader(item, self._path(f"{name}.{index}"), self.problems)

    def text(self, name: str, *, most: int = 200) -> str:
        """Empty where it is missing; a number is taken as its digits, as in a postal code."""
        value = self.value.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            self.report("wrong_type", name, f"is {kind_of(value)}, not a text")
            return ""
        return made_storable(str(value))[:most].strip()

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.value.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
            return value.strip().lower() == "true"
        self.report("wrong_type", name, f"is {kind_of(value)}, neither true nor false")
        return default

    def whole(self, name: str) -> int:
        """A count: 0 with a problem where it is missing, negative, broken or absurd."""
        value = self._number(name)
        if value is None:
            if self.value.get(name) in (None, ""):
                self.report("missing", name, "is missing")
            return 0
        if value != value.to_integral_value() or not 0 <= value <= LARGEST_QUANTITY:
            self.report("not_a_count", name, f"is {value}, not a count")
            return 0
        return int(value)

    def amount(self, name: str) -> Decimal | None:
        """To four decimals; None where it is missing or, with a problem, unreadable."""
        value = self._number(name)
        if value is None:
            return None
        if abs(value) >= LARGEST_AMOUNT:
            self.report("amount_too_large", name, "is larger than any order")
            return None
        if value < 0:
            self.report("amount_negative", name, f"is negative: {value}")
            return None
        return value.quantize(_STEP, rounding="ROUND_HALF_UP")

    def bounded(self, name: str, amount: Decimal) -> Decimal:
        """A sum of ours; 0 with a problem where many amounts make more than one may be."""
        if abs(amount) < LARGEST_AMOUNT:
            return amount
        self.report("amount_too_large", name, "add up to more than any order")
        return ZERO

    def time(self, name: str) -> datetime | None:
        value = self.value.get(name)
        if value in (None, ""):
            return None
        try:
            at = datetime.fromisoformat(value)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            return at.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            self.report("not_a_time", name, f"is {_shown(value)}, not a time in ISO 8601")
            return None

    def _number(self, name: str) -> Decimal | None:
        value = self.value.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            self.report("wrong_type", name, f"is {kind_of(value)}, not a number")
            return None
        digits = str(value).strip()
        if not _AMOUNT.fullmatch(digits):
            self.report("not_a_number", name, f"is {_shown(value)}, not a number")
            return None
        return Decimal(digits)

    def _path(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def total_of(amounts: Iterator[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), start=ZERO)


def kind_of(value: Any) -> str:
    """In words, for a message."""
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    return names.get(type(value), "a number")


def _shown(value: Any) -> str:
    return f"“{made_storable(str(value))[:40]}”"
