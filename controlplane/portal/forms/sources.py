from datetime import timedelta
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from controlplane.events import kinds
from controlplane.events.models import Source
from controlplane.events.verification.client_certificate import OPTION as CERTIFICATE
from tenants.models import slug_is_a_host_label

SHOPIFY = "shopify"
CHOICE = "<span><strong>{}</strong> {}</span>"


class SecretForm(forms.Form):
    secret = forms.CharField(
        label=_("The sender's own signing key"),
        help_text=_(
            "A webhook that you create in Shopify's admin is signed with a key of Shopify's, which "
            "is shown there below the list of webhooks: paste it here. Leave it empty to have a "
            "secret made, for a sender that lets you choose one."
        ),
        required=False,
        min_length=16,
        max_length=200,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}
        ),
    )

    def __init__(self, data: Any = None, *, kind: str = SHOPIFY, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if not kind:
            self.fields["secret"].help_text = _(
                "For Shopify: a webhook that you create in Shopify's admin is signed with a key of "
                "Shopify's, which is shown there below the list of webhooks; paste it here. For "
                "any other sender: at least 16 characters, or leave it empty to have one made."
            )
        elif kind != SHOPIFY:
            self.fields["secret"].help_text = _(
                "At least 16 characters. Leave it empty to have one made."
            )


def _overlap_field(label: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        help_text=_("Both are taken meanwhile, so that nothing is refused while you change over."),
        choices=[
            (0, _("no longer: it ends at once")),
            (1, _("one hour")),
            (24, _("one day")),
            (168, _("one week")),
        ],
        coerce=int,
        empty_value="0",
        required=False,
    )


class ReplaceSecretForm(SecretForm):
    """A new secret, and how long the old one is still good."""

    field_order = ["secret", "overlap"]

    overlap = _overlap_field(_("The old secret is valid for"))


class NameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)


class OptionsForm(forms.Form):
    """What the kind of source asks for besides its secret."""

    is_ordered = forms.BooleanField(
        label=_("Keep the events of one subject in order"),
        help_text=_(
            "A later event of the same order waits until the workflow has the earlier one, also "
            "while that one has failed and nobody has handled it."
        ),
        required=False,
    )

    def __init__(self, data: Any = None, *, source: Source) -> None:
        super().__init__(data)
        self.options = kinds.kind_named(source.kind).options
        for option in self.options:
            self.fields[option.name] = _field_of(option)
            self.initial[option.name] = source.option(option.name)
        self.initial["is_ordered"] = source.is_ordered
        names = [option.name for option in self.options]
        if CERTIFICATE in names:
            label = _("If you change the certificate, the old one is valid for")
            self.fields["overlap"] = _overlap_field(label)
            names.insert(names.index(CERTIFICATE) + 1, "overlap")
        self.order_fields([*names, "is_ordered"])

    @property
    def overlap(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data.get("overlap") or 0))

    @property
    def given(self) -> dict[str, str]:
        return {option.name: self.cleaned_data[option.name] for option in self.options}


def _field_of(option: kinds.Option) -> forms.Field:
    given: dict[str, Any] = {"label": option.label, "help_text": option.help, "required": False}
    if option.choices:
        return forms.ChoiceField(choices=[(one, one) for one in option.choices], **given)
    attributes = {"autocomplete": "off", "spellcheck": "false", "class": "mono"}
    widget = forms.Textarea if option.is_long else forms.TextInput
    attributes |= {"rows": "3"} if option.is_long else {}
    return forms.CharField(
        max_length=4000 if option.is_long else 200, widget=widget(attrs=attributes), **given
    )


class SourceForm(SecretForm):
    field_order = ["kind", "name", "slug", "secret"]

    kind = forms.ChoiceField(
        label=_("What it sends"),
        required=False,
        widget=forms.RadioSelect(attrs={"class": "options"}),
    )
    name = forms.CharField(
        label=_("Name"),
        help_text=_("What your people call the shop or the sender."),
        max_length=120,
    )
    slug = forms.CharField(
        label=_("Short name for the address"),
        help_text=_("Lower-case letters, digits and hyphens. Empty: made from the name."),
        required=False,
        max_length=40,
        validators=[slug_is_a_host_label],
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        # The kind is chosen on the same page, so the hint under the key speaks of each.
        super().__init__(data, kind="", **kwargs)
        self.fields["kind"].choices = [  # type: ignore[attr-defined]
            (kind.name, format_html(CHOICE, kind.label, kind.description))
            for kind in kinds.offered()
        ]
        self.fields["kind"].initial = SHOPIFY

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or SHOPIFY

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "name" in data and not data.get("slug") and "slug" not in self.errors:
            data["slug"] = slugify(data["name"])[:40].strip("-")
            try:
                slug_is_a_host_label(data["slug"])
            except forms.ValidationError:
                self.add_error("slug", _("No short name can be made from this name: choose one."))
        return data
