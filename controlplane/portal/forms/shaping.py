"""The rows in which a partner shapes the parameters of a draft."""

import re
from collections.abc import Sequence
from typing import Any, get_args

from django import forms
from django.forms import formset_factory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from controlplane.catalog.manifest import Kind, ParameterSpec
from controlplane.catalog.shaping import MOST
from controlplane.connections.kinds import PROTOCOLS, offered
from controlplane.core.errors import DomainError

WORDS = {
    "text": gettext_lazy("Text"),
    "integer": gettext_lazy("Whole number"),
    "number": gettext_lazy("Number"),
    "percent": gettext_lazy("Percentage"),
    "money": gettext_lazy("Money"),
    "boolean": gettext_lazy("Yes or no"),
    "countries": gettext_lazy("Countries"),
    "choice": gettext_lazy("Choice"),
    "list": gettext_lazy("List"),
    "schedule": gettext_lazy("Schedule"),
    "connection": gettext_lazy("Connection"),
    "approver_group": gettext_lazy("Group of approvers"),
    "policy": gettext_lazy("Policy"),
}
_MONEY = re.compile(r"(?P<amount>\d[\d.]*)\s*(?P<currency>[A-Za-z]{3})")


class ShapeForm(forms.Form):
    """One parameter. A default is typed as text, and kept as its type wants it."""

    was = forms.CharField(required=False, widget=forms.HiddenInput)
    label = forms.CharField(label=gettext_lazy("Label"), max_length=120)
    name = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=40,
        help_text=gettext_lazy("In small letters, as rules and the API call it: hold_above."),
    )
    type = forms.ChoiceField(
        label=gettext_lazy("Type"), choices=[(name, WORDS[name]) for name in get_args(Kind)]
    )
    help = forms.CharField(
        label=gettext_lazy("Help"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    default = forms.CharField(
        label=gettext_lazy("Default"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 1}),
        help_text=gettext_lazy(
            "Money as 500.00 EUR, yes or no as true or false, a schedule as 0 8 * * 1-5, lists and "
            "countries one in each line."
        ),
    )
    minimum = forms.IntegerField(label=gettext_lazy("At least"), required=False)
    maximum = forms.IntegerField(label=gettext_lazy("At most"), required=False)
    choices = forms.CharField(
        label=gettext_lazy("Choices"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "Of a choice or a list, one in each line: what is kept, a colon, what people read."
        ),
    )
    connection_kinds = forms.CharField(
        label=gettext_lazy("Connections that fit"), required=False, max_length=500
    )
    required = forms.BooleanField(
        label=gettext_lazy("It has to be filled in"), required=False, initial=True
    )
    changeable = forms.BooleanField(
        label=gettext_lazy("The customer may change it later"), required=False, initial=True
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ", ".join((*PROTOCOLS, *(kind.name for kind in offered())))
        self.fields["connection_kinds"].help_text = _(
            "Of a connection, separated by commas; empty: any. %(names)s"
        ) % {"names": names}

    def clean_choices(self) -> dict[str, str]:
        found = {}
        for line in self.cleaned_data["choices"].splitlines():
            key, _colon, label = (part.strip() for part in line.partition(":"))
            if key:
                found[key] = label or key
        return found

    def clean_connection_kinds(self) -> list[str]:
        return [k.strip() for k in self.cleaned_data["connection_kinds"].split(",") if k.strip()]

    @property
    def given(self) -> dict[str, Any]:
        """For `write_draft`."""
        data = {name: value for name, value in self.cleaned_data.items() if name != "DELETE"}
        return {**data, "default": _default(data["type"], data["default"].strip())}


def _default(type_: str, text: str) -> Any:
    """As the type wants it where the text fits; else the text, for which the service says why."""
    if not text:
        return None
    match type_:
        case "integer" if re.fullmatch(r"-?\d{1,15}", text):
            return int(text)
        case "boolean" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "list" | "countries":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "money" if found := _MONEY.fullmatch(text):
            return {**found.groupdict(), "currency": found["currency"].upper()}
    return text


def rows_of(specs: Sequence[ParameterSpec]) -> list[dict[str, Any]]:
    return [
        {
            **spec.model_dump(exclude={"uses"}),
            "was": spec.name,
            "default": _as_text(spec.default),
            "choices": "\n".join(f"{key}: {label}" for key, label in spec.choices.items()),
            "connection_kinds": ", ".join(spec.connection_kinds),
        }
        for spec in specs
    ]


def _as_text(default: Any) -> str:
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case {"amount": amount, "currency": currency}:
            return f"{amount} {currency}"
        case list():
            return "\n".join(default)
    return str(default)


ShapeFormSet = formset_factory(ShapeForm, extra=0, can_delete=True, absolute_max=MOST, max_num=MOST)


def mark_rows(kept: Sequence[Any], error: DomainError) -> str:
    """Each fault at its row's field; what belongs to none is returned, to stand above them."""
    loose = []
    for found in error.errors:
        parts = found.field.split(".")
        row = (
            int(parts[1]) if parts[0] == "parameters" and parts[1:2] and parts[1].isdigit() else -1
        )
        if not 0 <= row < len(kept):
            loose.append(found.message)
            continue
        field = parts[2] if parts[2:3] and parts[2] in kept[row].fields else None
        kept[row].add_error(field, found.message)
    return "; ".join(loose) if error.errors else error.detail
