"""What a new API key may do, and for how long; and how long an old one outlives its successor."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.keys import SUGGESTED_LIFE, SUGGESTED_OVERLAP, operation_choices, scope_choices

LIVES = [
    (30, _("30 days")), (90, _("90 days")), (365, _("a year")), (0, _("without end")),
]  # fmt: skip
OVERLAPS = [(0, _("at once")), (1, _("in a day")), (7, _("in a week")), (30, _("in 30 days"))]


class KeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        help_text=_("Which machine or program uses it. It stands in the audit trail."),
        max_length=120,
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), widget=forms.CheckboxSelectMultiple(attrs={"class": "options"})
    )
    operations = forms.MultipleChoiceField(
        label=_("Only these operations"),
        help_text=_("None chosen: every operation that the above permits."),
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 8}),
    )
    days = forms.TypedChoiceField(
        label=_("Ends after"), coerce=int, choices=LIVES, initial=SUGGESTED_LIFE.days
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = scope_choices()
        self.fields["operations"].choices = operation_choices()

    @property
    def terms(self) -> dict[str, Any]:
        """As `issue_key` takes them."""
        given = dict(self.cleaned_data)
        days = given.pop("days")
        return {**given, "expires_at": timezone.now() + timedelta(days=days) if days else None}


class RotateForm(forms.Form):
    days = forms.TypedChoiceField(
        label=_("The old key ends"), coerce=int, choices=OVERLAPS, initial=SUGGESTED_OVERLAP.days
    )

    @property
    def overlap(self) -> timedelta:
        return timedelta(days=self.cleaned_data["days"])
