"""A template's parameters: from what a person typed to what is stored and what rules read."""

import re
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from controlplane.catalog import schedules
from controlplane.catalog.manifest import Manifest, ParameterSpec
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.money import Money, is_currency, parse_amount

REFERENCE = re.compile(r"[\w.:-]{1,80}")


class ParametersInvalid(DomainError):
    code = "parameters_invalid"
    status = 422
    title = "The parameters are not valid"


def filled(manifest: Manifest, given: dict[str, Any]) -> dict[str, Any]:
    """Every parameter of the manifest with a checked value, as it is stored.

    Raises ParametersInvalid with all fields at fault.
    """
    errors = [
        FieldError(name, "is not a parameter of this template")
        for name in sorted(set(given) - {spec.name for spec in manifest.parameters})
    ]
    values: dict[str, Any] = {}
    for spec in manifest.parameters:
        value = given.get(spec.name, spec.default)
        if value in (None, "", {}):
            if spec.required:
                errors.append(FieldError(spec.name, "is required"))
            continue
        try:
            values[spec.name] = _checked(spec, value)
        except ValueError as error:
            errors.append(FieldError(spec.name, str(error)))
    if errors:
        named = "; ".join(f"{error.field} {error.message}" for error in errors)
        raise ParametersInvalid(f"Correct and send again: {named}.", errors=tuple(errors))
    return values


def unfit_default(spec: ParameterSpec) -> str:
    """What makes the default unfit to be taken over; empty for a good one."""
    try:
        if spec.default is not None:
            _checked(spec, spec.default)
    except ValueError as error:
        return f"the default of {spec.name} {error}"
    return ""


def _checked(spec: ParameterSpec, value: Any) -> Any:
    """Raises ValueError, with a message that follows the field's name."""
    if spec.type in _BY_SPEC:
        return _BY_SPEC[spec.type](spec, value)
    return _BY_VALUE[spec.type](value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _choice(spec: ParameterSpec, value: Any) -> str:
    if not isinstance(value, str) or value not in spec.choices:
        raise ValueError(f"must be one of {', '.join(spec.choices)}")
    return value


def _reference(value: Any) -> str:
    """What there is to choose from differs by tenant: `choices.require_known` looks."""
    if not isinstance(value, str) or not REFERENCE.fullmatch(value):
        raise ValueError("must name one, as the list of choices does")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value or len(value) > 500:
        raise ValueError("must be text of at most 500 characters")
    return value


def _integer(spec: ParameterSpec, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    if spec.minimum is not None and value < spec.minimum:
        raise ValueError(f"must be at least {spec.minimum}")
    if spec.maximum is not None and value > spec.maximum:
        raise ValueError(f"must be at most {spec.maximum}")
    return value


def _percent(spec: ParameterSpec, value: Any) -> str:
    """Kept as text, so that it stays exact: "2.5"."""
    if isinstance(value, bool):
        raise ValueError("must be a percentage such as 2.5")
    try:
        percent = parse_amount(value)
    except ValueError as error:
        raise ValueError("must be a percentage such as 2.5") from error
    least, most = spec.minimum or 0, 100 if spec.maximum is None else spec.maximum
    if not least <= percent <= most:
        raise ValueError(f"must be from {least} to {most}")
    if percent != percent.quantize(Decimal("0.01")):
        raise ValueError("must have at most two decimals")
    return format(percent.normalize(), "f")


def _number(spec: ParameterSpec, value: Any) -> str:
    """Kept as text, so that it stays exact: "0.125"."""
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise ValueError("must be a number such as 2.5")
    if number != number.quantize(Decimal("0.000001")):
        raise ValueError("must have at most six decimals")
    if spec.minimum is not None and number < spec.minimum:
        raise ValueError(f"must be at least {spec.minimum}")
    if spec.maximum is not None and number > spec.maximum:
        raise ValueError(f"must be at most {spec.maximum}")
    return format(number.normalize(), "f")


def _list(spec: ParameterSpec, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 250:
        raise ValueError("must be a list of at most 250 entries")
    texts = list(dict.fromkeys(_text(entry).strip() for entry in value))
    if spec.choices and (unknown := [text for text in texts if text not in spec.choices]):
        raise ValueError(f"has “{unknown[0]}”, which is not among {', '.join(spec.choices)}")
    return [text for text in texts if text]


def _countries(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 250:
        raise ValueError("must be a list of countries")
    codes = [str(code).strip().upper() for code in value]
    if any(len(code) != 2 or not code.isalpha() or not code.isascii() for code in codes):
        raise ValueError("must be ISO 3166 codes of two letters, such as DE")
    return sorted(set(codes))


def _money(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or set(value) != {"amount", "currency"}:
        raise ValueError("must have an amount and a currency")
    currency = str(value["currency"]).strip().upper()
    if not is_currency(currency):
        raise ValueError(f"has the currency “{currency}”, which is no ISO 4217 code")
    try:
        amount = parse_amount(value["amount"])
    except ValueError as error:
        raise ValueError("must have an amount such as 500.00") from error
    if amount < 0 or amount >= Decimal(10) ** 15:
        raise ValueError("must have an amount from 0 to below 10^15")
    return {"amount": str(amount), "currency": currency}


_BY_SPEC: dict[str, Callable[[ParameterSpec, Any], Any]] = {
    "integer": _integer,
    "number": _number,
    "percent": _percent,
    "choice": _choice,
    "list": _list,
}
_BY_VALUE: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "boolean": _boolean,
    "countries": _countries,
    "money": _money,
    "schedule": schedules.checked,
    "connection": _reference,
    "approver_group": _reference,
    "policy": _reference,
}


def parameters_of(installation_id: uuid.UUID | None) -> dict[str, Any]:
    """For `policies`: the installation's values as rules read them, money in minor units."""
    from controlplane.catalog.models import Installation

    if installation_id is None:
        return {}
    installation = Installation.objects.filter(pk=installation_id).first()
    return {} if installation is None else for_rules(installation.parameters)


def for_rules(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _for_rules(value) for name, value in values.items()}


def _for_rules(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"amount", "currency"}:
        money = Money(Decimal(value["amount"]), value["currency"])
        return {"minor": money.minor, "currency": money.currency}
    return value
