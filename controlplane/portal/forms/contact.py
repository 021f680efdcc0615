"""What anybody may write to a tenant's support."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class ContactForm(forms.Form):
    name = forms.CharField(
        label=_("Your name"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    subject = forms.CharField(label=_("Subject"), max_length=300)
    message = forms.CharField(
        label=_("Your message"),
        help_text=_("The more exactly you say what you did and what happened, the better."),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    website = forms.CharField(
        label=_("Leave this field empty"),
        required=False,
        # A browser that fills in forms goes by what it knows; this it knows to leave alone.
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    is_trapped = False
    """Whether the field was filled in that people do not see."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.pop("website", ""):
            self.is_trapped = True
            # Shown empty again, so that a person whose browser filled it in can send once more.
            self.data = {**self.data.dict(), "website": ""}
            self.add_error(
                None,
                _(
                    "Your message was not sent: a field that has to stay empty was filled in. Some "
                    "browsers do that by themselves. It is empty again; please send once more."
                ),
            )
        return data
