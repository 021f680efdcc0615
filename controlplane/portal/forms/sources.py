from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from tenants.models import slug_is_a_host_label


class SecretForm(forms.Form):
    secret = forms.CharField(
        label=_("The shop's own signing key"),
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


class SourceForm(SecretForm):
    field_order = ["name", "slug", "secret"]

    name = forms.CharField(
        label=_("Name"),
        help_text=_("What your people call the shop."),
        max_length=120,
    )
    slug = forms.CharField(
        label=_("Short name for the address"),
        help_text=_("Lower-case letters, digits and hyphens. Empty: made from the name."),
        required=False,
        max_length=40,
        validators=[slug_is_a_host_label],
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "name" in data and not data.get("slug") and "slug" not in self.errors:
            data["slug"] = slugify(data["name"])[:40].strip("-")
            try:
                slug_is_a_host_label(data["slug"])
            except forms.ValidationError:
                self.add_error("slug", _("No short name can be made from this name: choose one."))
        return data
