"""A form made from a template's manifest: one field for each parameter."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale
from babel.core import get_global
from babel.numbers import (
    NumberFormatError,
    format_decimal,
    get_territory_currencies,
    parse_decimal,
)
from django import forms
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from controlplane.catalog import schedules
from controlplane.catalog.choices import choices_for, choices_of
from controlplane.catalog.manifest import ParameterSpec
from controlplane.connections.kinds import fitting

# A parameter may be called like an attribute of the form.
PREFIX = "p-"


class ParameterForm(forms.Form):
    """`values` is what the catalog's services take; `initial` what an installation has."""

    def __init__(
        self,
        specs: Sequence[ParameterSpec],
        data: Any = None,
        *,
        values: dict[str, Any] | None = None,
    ) -> None:
        self.specs = specs
        known = values or {}
        initial = {PREFIX + spec.name: known.get(spec.name, spec.default) for spec in specs}
        super().__init__(data, initial=initial)
        for spec in specs:
            field = _field(spec, initial[PREFIX + spec.name])
            # A disabled field keeps what it has, whatever is sent.
            field.disabled = spec.name in known and not spec.changeable
            self.fields[PREFIX + spec.name] = field

    @property
    def own_values(self) -> list[Any]:
        """The fields of what a person knows, apart from the systems that have to be connected."""
        return [self[PREFIX + spec.name] for spec in self.specs if spec.type != "connection"]

    @property
    def connections(self) -> list[Any]:
        return [self[PREFIX + spec.name] for spec in self.specs if spec.type == "connection"]

    @property
    def values(self) -> dict[str, Any]:
        return {spec.name: self.cleaned_data[PREFIX + spec.name] for spec in self.specs}


class MoneyWidget(forms.MultiWidget):
    def __init__(self, currencies: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            {
                "amount": forms.TextInput(
                    attrs={
                        "class": "pair-amount",
                        "inputmode": "decimal",
                        "aria-label": _("Amount"),
                    }
                ),
                "currency": forms.Select(
                    attrs={"class": "pair-currency", "aria-label": _("Currency")},
                    choices=currencies,
                ),
            }
        )

    def decompress(self, value: dict[str, str] | None) -> list[Any]:
        if not value:
            return [None, "EUR"]
        return [Decimal(value["amount"]), value["currency"]]


class AmountField(forms.DecimalField):
    """As the reader writes it: 1,234.50, or 1.234,50 in German, where "1.000" is a thousand.

    Strict: a misplaced separator is asked about, as it may have been meant as the other one.
    """

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values or isinstance(value, Decimal):
            return super().to_python(value)
        locale = to_locale(get_language() or "en")
        try:
            amount = parse_decimal(str(value).strip(), locale=locale, strict=True)
        except NumberFormatError as error:
            raise forms.ValidationError(
                _("Enter an amount as %(example)s, in digits."),
                code="invalid",
                params={"example": format_decimal(Decimal("1234.50"), "#,##0.00", locale=locale)},
            ) from error
        return super().to_python(amount)


class PercentField(AmountField):
    """ "2.5", as the catalog takes it, from what the reader writes; the sign follows the box."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=5, decimal_places=2, **kwargs)
        self.widget.attrs |= {"class": "percent", "inputmode": "decimal"}

    def clean(self, value: Any) -> str | None:  # type: ignore[override]
        percent = super().clean(value)
        return None if percent is None else str(percent)

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value) if isinstance(value, str) and _is_plain(value) else value


def _is_plain(text: str) -> bool:
    """Whether it is what the catalog keeps, and not what somebody typed."""
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None


class NumberField(AmountField):
    """ "0.125", as the catalog takes it, from what the reader writes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(localize=True, max_digits=21, decimal_places=6, **kwargs)
        self.widget.attrs |= {"inputmode": "decimal"}

    def clean(self, value: Any) -> str | None:  # type: ignore[override]
        number = super().clean(value)
        return None if number is None else str(number)

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value) if isinstance(value, str) and _is_plain(value) else value


class LinesField(forms.CharField):
    """A list of texts, one in each line."""

    widget = forms.Textarea(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:  # type: ignore[override]
        text = super().clean(value)
        return [line.strip() for line in text.splitlines() if line.strip()]


class ScheduleField(forms.CharField):
    """A cron expression, with the usual ones to pick from."""

    def __init__(self, **kwargs: Any) -> None:
        said = _("Minute, hour, day, month and weekday, as in 0 8 * * 1-5 for weekdays at 08:00.")
        kwargs["help_text"] = format_html("{} {}", kwargs.get("help_text", ""), said)
        super().__init__(max_length=100, **kwargs)
        self.widget.attrs |= {"class": "mono", "spellcheck": "false", "autocomplete": "off"}

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return schedules.checked(text)
        except ValueError as error:
            raise forms.ValidationError(
                _("This is no schedule: it %(why)s."), params={"why": str(error)}
            ) from error


class MoneyField(forms.MultiValueField):
    """`{"amount": "500.00", "currency": "EUR"}`; the amount is typed as the reader writes it."""

    def __init__(self, **kwargs: Any) -> None:
        known = [(code, code) for code in currencies()]
        fields = (
            AmountField(localize=True, min_value=0, max_digits=19, decimal_places=4),
            forms.ChoiceField(choices=known),
        )
        super().__init__(fields, widget=MoneyWidget(known), localize=True, **kwargs)

    def compress(self, values: list[Any]) -> dict[str, str] | None:
        if not values or values[0] is None:
            return None
        return {"amount": str(values[0]), "currency": values[1]}


def _field(spec: ParameterSpec, value: Any) -> forms.Field:
    words: dict[str, Any] = {
        "label": spec.label,
        # Django's own help texts are HTML and shown as they are; a template's is plain text.
        "help_text": escape(spec.help),
        "required": spec.required,
    }
    return _FIELDS[spec.type](spec, value, words)


def _choice(spec: ParameterSpec, _value: Any, words: dict[str, Any]) -> forms.Field:
    empty = [] if spec.required else [("", "–")]
    return forms.ChoiceField(choices=empty + list(spec.choices.items()), **words)


def _several(choices: list[tuple[str, str]], words: dict[str, Any]) -> forms.Field:
    widget = forms.CheckboxSelectMultiple(attrs={"class": "options"})
    return forms.MultipleChoiceField(choices=choices, widget=widget, **words)


def _list(spec: ParameterSpec, _value: Any, words: dict[str, Any]) -> forms.Field:
    return _several(list(spec.choices.items()), words) if spec.choices else LinesField(**words)


def _reference(spec: ParameterSpec, value: Any, words: dict[str, Any]) -> forms.Field:
    found = choices_for(spec)
    known = {key for key, _label in found}
    # What was chosen and is gone since, or does not fit: shown, so that nobody loses it unseen.
    label = dict(choices_of(spec.type)).get(value, value) if value not in known else ""
    gone = [(value, label)] if value and value not in known else []
    words["help_text"] = _with_way(spec, words["help_text"], is_empty=not found)
    return forms.ChoiceField(choices=[("", "–"), *found, *gone], **words)


def _with_way(spec: ParameterSpec, told: str, *, is_empty: bool) -> str:
    """The help with the way to make one; where there is none to choose, that is said first."""
    kinds = [kind for kind in fitting(spec.connection_kinds) if not kind.is_stand_in]
    wanted = ", ".join(str(kind.label) for kind in kinds) if spec.connection_kinds else ""
    address, make, none = {
        "connection": (
            reverse("connections:create", args=[kinds[0].name])
            if len(kinds) == 1
            else reverse("connections:choose"),
            _("Connect one"),
            _("There is no connection that fits yet."),
        ),
        "approver_group": (
            reverse("approvals:group_create"),
            _("Make a group"),
            _("There is no group of approvers yet."),
        ),
        "policy": (
            reverse("policies:create"),
            _("Write a policy"),
            _("There is no policy yet."),
        ),
    }[spec.type]
    return format_html(
        '{} {} {} <a href="{}" target="_blank" rel="noopener">{}</a> {}',
        told,
        wanted and _("It takes: %(kinds)s.") % {"kinds": wanted},
        none if is_empty else "",
        address,
        make,
        _("(in a new tab)"),
    )


_FIELDS: dict[str, Callable[[ParameterSpec, Any, dict[str, Any]], forms.Field]] = {
    "text": lambda spec, value, words: forms.CharField(max_length=500, **words),
    "integer": lambda spec, value, words: forms.IntegerField(
        min_value=spec.minimum, max_value=spec.maximum, **words
    ),
    "number": lambda spec, value, words: NumberField(
        min_value=spec.minimum, max_value=spec.maximum, **words
    ),
    "percent": lambda spec, value, words: PercentField(
        localize=True, min_value=spec.minimum or 0, max_value=spec.maximum or 100, **words
    ),
    "money": lambda spec, value, words: MoneyField(**words),
    "boolean": lambda spec, value, words: forms.BooleanField(**{**words, "required": False}),
    "countries": lambda spec, value, words: _several(_countries(value or []), words),
    "schedule": lambda spec, value, words: ScheduleField(**words),
    "choice": _choice,
    "list": _list,
    "connection": _reference,
    "approver_group": _reference,
    "policy": _reference,
}


@cache
def currencies() -> tuple[str, ...]:
    """What is legal tender somewhere today, by CLDR."""
    places = get_global("territory_currencies")
    return tuple(sorted({code for place in places for code in get_territory_currencies(place)}))


def _countries(chosen: Sequence[str]) -> list[tuple[str, str]]:
    """By name in the reader's language, those that are chosen first."""
    names = Locale.parse(to_locale(get_language() or "en")).territories
    countries = [
        (code, name)
        for code, name in names.items()
        if len(code) == 2
        and code.isalpha()
        and code not in {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}
    ]
    return sorted(countries, key=lambda country: (country[0] not in chosen, country[1]))
