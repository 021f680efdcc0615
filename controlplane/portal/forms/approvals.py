from django import forms
from django.utils.translation import gettext_lazy as _

from controlplane.approvals.models import Vote
from controlplane.approvals.thread import LONGEST_COMMENT, TYPES


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
    on_behalf_of = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)


class CommentForm(forms.Form):
    """A word in the thread."""

    text = forms.CharField(
        label=_("Add a comment"),
        max_length=LONGEST_COMMENT,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class AttachmentForm(forms.Form):
    """A file beside the approval."""

    file = forms.FileField(
        label=_("Add a file"),
        help_text=_("PDF, picture, text, CSV, XML, mail or Office, up to 10 MB."),
        widget=forms.FileInput(attrs={"accept": ",".join(TYPES)}),
    )
