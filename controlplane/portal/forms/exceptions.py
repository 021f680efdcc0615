"""What is done about exceptions: to one, or to many that were ticked."""

import json
import uuid
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from controlplane.events.models import ExceptionCase

RESOLUTIONS = [
    (ExceptionCase.Resolution.BY_HAND, _("Handled by hand")),
    (ExceptionCase.Resolution.DISMISSED, _("Nothing to do")),
]
ACTIONS = [
    ("retry", _("Try again")),
    ("assign", _("Assign to me")),
    ("edit", _("Correct a field and try again")),
    ("by_hand", _("Resolve: handled by hand")),
    ("dismissed", _("Resolve: nothing to do")),
]


WHICH = [
    ("ticked", _("Those that are ticked")),
    ("page", _("All that are open on this page")),
    ("match", _("All that are open and match, on every page")),
]


def chosen_ids(data: QueryDict, name: str) -> list[uuid.UUID]:
    """Those that were ticked; what is no ID is passed over."""
    found = []
    for text in data.getlist(name):
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found


class BodyForm(forms.Form):
    body = forms.CharField(
        label=_("The body, corrected"),
        help_text=_("What came stays as it was; this is sent as a new revision."),
        widget=forms.Textarea(attrs={"rows": "16", "class": "mono", "spellcheck": "false"}),
        strip=False,
    )


class CommentForm(forms.Form):
    text = forms.CharField(
        label=_("Comment"), max_length=4000, widget=forms.Textarea(attrs={"rows": "3"})
    )


class ResolveForm(forms.Form):
    resolution = forms.ChoiceField(
        label=_("What became of it"),
        choices=RESOLUTIONS,
        widget=forms.RadioSelect(attrs={"class": "options"}),
    )
    text = forms.CharField(
        label=_("How"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": "2"})
    )


class AssignForm(forms.Form):
    assignee = forms.ChoiceField(label=_("Whose it is"), required=False)

    def __init__(self, data: Any = None, *, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.people = dict(people)
        self.fields["assignee"].choices = [("", _("Nobody")), *people]  # type: ignore[attr-defined]


class BulkForm(forms.Form):
    """`may_edit`: whether who sees it may see bodies, and so correct them."""

    which = forms.ChoiceField(label=_("Which"), required=False)
    action = forms.ChoiceField(label=_("What is done with them"), choices=ACTIONS)
    path = forms.CharField(
        label=_("Field"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "line_items.0.sku"}),
    )
    value = forms.CharField(
        label=_("New value"),
        help_text=_("A number, true, false, null or JSON is taken as such, all else as text."),
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs={"class": "mono"}),
    )

    def __init__(self, data: Any = None, *, may_edit: bool) -> None:
        super().__init__(data)
        self._offer("which", [*WHICH])
        if not may_edit:
            self._offer("action", [(name, label) for name, label in ACTIONS if name != "edit"])
            del self.fields["path"], self.fields["value"]

    def count(self, *, on_page: int, that_match: int) -> None:
        """Say how many each choice is about."""
        numbers = {"page": on_page, "match": that_match}
        self._offer(
            "which",
            [
                (name, f"{label} ({numbers[name]})" if name in numbers else label)
                for name, label in WHICH
            ],
        )

    def _offer(self, name: str, choices: list[tuple[str, Any]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean_value(self) -> Any:
        text = self.cleaned_data["value"]
        try:
            return json.loads(text)
        except ValueError:
            return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("action") == "edit" and not data.get("path"):
            self.add_error("path", _("Say which field gets the value."))
        return data
