from django import forms
from django.utils.translation import gettext_lazy as _

from controlplane.approvals.models import Vote


class DecisionForm(forms.Form):
    """An answer, by one of two buttons, and why."""

    comment = forms.CharField(
        label=_("Comment"),
        help_text=_("Goes into the audit trail, and n8n may pass it on."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    decision = forms.ChoiceField(
        choices=Vote.Decision,
        widget=forms.HiddenInput,
        error_messages={"required": _("Choose “Approve” or “Reject”.")},
    )
    revision = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
