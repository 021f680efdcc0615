"""The form of a connection, made of what its kind declares."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from controlplane.connections.allowed import METHODS
from controlplane.connections.kinds import ConnectionKind, Field
from controlplane.connections.models import Connection

KEPT = _("Stored, and not shown again. Leave it empty to keep it.")
_PLAIN = {"autocomplete": "off", "spellcheck": "false", "class": "mono"}


class _Unshown(forms.Textarea):
    """What was typed does not come back with the page."""

    def format_value(self, value: Any) -> str:
        return ""


class ConnectionForm(forms.Form):
    """Whether what is typed is good, the service says: it is asked by the API too."""

    name = forms.CharField(
        label=_("Name"),
        help_text=_("What workflows call it, such as Shop or Warehouse."),
        required=False,
        max_length=80,
    )

    def __init__(
        self, data: Any = None, *, kind: ConnectionKind, connection: Connection | None = None
    ) -> None:
        super().__init__(data)
        self.kind = kind
        kept = connection.kept_secrets if connection else {}
        for one in kind.fields:
            self.fields[one.name] = _field_of(one, is_kept=bool(kept.get(one.name)))
            self.initial[one.name] = one.default
        if kind.protocol == "http":
            self._add_limits()
        self.fields["is_active"] = forms.BooleanField(label=_("Switched on"), required=False)
        self.initial["is_active"] = True
        self.initial["allowed_methods"] = list(kind.methods)
        if connection is not None:
            self.initial = {
                **self.initial,
                "name": connection.name,
                "is_active": connection.is_active,
                "allowed_methods": connection.allowed_methods,
                "allowed_paths": "\n".join(connection.allowed_paths),
                "allowed_hosts": "\n".join(connection.allowed_hosts),
                **connection.options,
            }

    def _add_limits(self) -> None:
        self.fields["allowed_methods"] = forms.MultipleChoiceField(
            label=_("What workflows may do"),
            help_text=_("GET reads; POST, PUT and PATCH write; DELETE removes."),
            choices=[(method, method) for method in METHODS],
            widget=forms.CheckboxSelectMultiple(attrs={"class": "options"}),
            required=False,
        )
        self.fields["allowed_paths"] = forms.CharField(
            label=_("Only below these paths"),
            help_text=_(
                "One a line, such as /orders or /shops/*/orders. Empty: everything below the "
                "address."
            ),
            widget=forms.Textarea(attrs={**_PLAIN, "rows": "3"}),
            required=False,
            max_length=10_000,
        )
        self.fields["allowed_hosts"] = forms.CharField(
            label=_("Further hosts"),
            help_text=_(
                "One a line. They are called by https, and get the same secrets, so name only "
                "those of the same system."
            ),
            widget=forms.Textarea(attrs={**_PLAIN, "rows": "2"}),
            required=False,
            max_length=10_000,
        )

    @property
    def given(self) -> dict[str, Any]:
        """As the services take it."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "values": {one.name: data[one.name] for one in self.kind.fields},
            "allowed_methods": data.get("allowed_methods", []),
            "allowed_paths": data.get("allowed_paths", "").splitlines(),
            "allowed_hosts": data.get("allowed_hosts", "").splitlines(),
            "is_active": data["is_active"],
        }


def _field_of(one: Field, *, is_kept: bool) -> forms.Field:
    help_text = KEPT if is_kept else one.help
    given: dict[str, Any] = {"label": one.label, "help_text": help_text, "required": False}
    if one.choices:
        return forms.ChoiceField(choices=one.choices, **given)
    if one.type == "secret":
        widget: forms.Widget = forms.PasswordInput(
            attrs={**_PLAIN, "autocomplete": "new-password"}, render_value=False
        )
    elif one.type == "long_secret":
        widget = _Unshown(attrs={**_PLAIN, "rows": "4"})
    elif one.type == "certificates":
        widget = forms.Textarea(attrs={**_PLAIN, "rows": "4"})
    else:
        widget = forms.TextInput(attrs=_PLAIN)
    return forms.CharField(
        max_length=one.max_length, strip=one.type != "long_secret", widget=widget, **given
    )
