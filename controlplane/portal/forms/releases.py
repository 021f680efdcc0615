"""Importing workflows, and a release's way from draft to live."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from controlplane.catalog.importing import is_version
from controlplane.catalog.manifest import ParameterSpec
from controlplane.events.types import EVENT_TYPES
from controlplane.nodes.registry import all_operations
from controlplane.workflow.reading import MOST_BYTES
from tenants.models import Tenant


class ImportForm(forms.Form):
    """A file or its text; `owners` are the partners that the person manages."""

    file = forms.FileField(
        label=_("Exported file"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
        help_text=_("In n8n’s editor: the menu of three dots, then Download."),
    )
    text = forms.CharField(
        label=_("Or what you copied in the editor"),
        required=False,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
    )
    template = forms.ChoiceField(label=_("What it is"), required=False)
    owner = forms.ChoiceField(label=_("Owner"))
    title = forms.CharField(
        label=_("Title"), required=False, max_length=120, help_text=_("Empty: the workflow’s name.")
    )
    version = forms.CharField(
        label=_("Version"), required=False, max_length=20, help_text=_("Empty: the next one.")
    )

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        owners: Sequence[tuple[str, str]],
        templates: Sequence[tuple[str, str]],
    ) -> None:
        super().__init__(data, files)
        self.fields["owner"].choices = list(owners)  # type: ignore[attr-defined]
        if len(owners) == 1:
            self.fields["owner"].widget = forms.HiddenInput()
            self.fields["owner"].initial = owners[0][0]
        new = ("", _("A new template"))
        self.fields["template"].choices = [new, *templates]  # type: ignore[attr-defined]

    def clean_version(self) -> str:
        version: str = self.cleaned_data["version"]
        if version and not is_version(version):
            raise forms.ValidationError(_("Write three numbers, as in 1.2.0."))
        return version

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        file: UploadedFile | None = data.get("file")
        if file is None and not data.get("text"):
            self.add_error("file", _("Choose a file, or paste the workflow below."))
        elif file is not None and (file.size or 0) > MOST_BYTES:
            self.add_error("file", _("The file is too large."))
        return data

    @property
    def source(self) -> bytes | str:
        file: UploadedFile | None = self.cleaned_data["file"]
        return file.read() if file is not None else str(self.cleaned_data["text"])


class ProposalForm(forms.Form):
    """One check box and one label for each proposed parameter."""

    def __init__(self, specs: Sequence[ParameterSpec], data: Any = None) -> None:
        super().__init__(data)
        self.specs = specs
        for spec in specs:
            self.fields[f"use-{spec.name}"] = forms.BooleanField(required=False, label=spec.label)
            self.fields[f"label-{spec.name}"] = forms.CharField(
                required=False, max_length=120, initial=spec.label, label=_("Label")
            )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not any(data.get(f"use-{spec.name}") for spec in self.specs):
            self.add_error(None, _("Tick what is to become a parameter."))
        return data

    @property
    def rows(self) -> list[tuple[ParameterSpec, Any, Any]]:
        return [(s, self[f"use-{s.name}"], self[f"label-{s.name}"]) for s in self.specs]

    @property
    def names(self) -> list[str]:
        return [s.name for s in self.specs if self.cleaned_data[f"use-{s.name}"]]

    @property
    def labels(self) -> dict[str, str]:
        return {s.name: self.cleaned_data[f"label-{s.name}"] for s in self.specs}


class DraftForm(forms.Form):
    """What of a draft people write by hand."""

    summary = forms.CharField(
        label=_("What it does, in two sentences"),
        max_length=600,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    readme = forms.CharField(
        label=_("Text of its page, in Markdown"),
        required=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    notes = forms.CharField(
        label=_("What is new in this version"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    events = forms.MultipleChoiceField(
        label=_("Events that start it"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "options"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What its Pergola nodes may do"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "options"}),
    )
    cases = forms.CharField(
        label=_("Cases, as JSON"),
        required=False,
        max_length=500_000,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
        help_text=_(
            "By name: title, parameters, event with type and payload, expected with verdict and "
            "reasons."
        ),
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        scopes = {operation.scope for operation in all_operations()} | {"events:subscribe"}
        for name, known in (("events", EVENT_TYPES), ("scopes", scopes)):
            self.fields[name].choices = [(each, each) for each in sorted(known)]  # type: ignore[attr-defined]

    def clean_cases(self) -> dict[str, Any]:
        text = self.cleaned_data["cases"].strip()
        try:
            found = json.loads(text or "{}")
        except ValueError as error:
            raise forms.ValidationError(
                _("This is not JSON: %(why)s."), params={"why": str(error)}
            ) from error
        if not isinstance(found, dict):
            raise forms.ValidationError(_("Write an object: names and their cases."))
        return found


class TrialForm(forms.Form):
    """Where a draft's cases run: the sandboxes of customers whose automation is the partner's."""

    sandbox = forms.ChoiceField(label=_("Sandbox"))

    def __init__(self, sandboxes: Sequence[Tenant]) -> None:
        super().__init__()
        choices = [(str(each.pk), str(each)) for each in sandboxes]
        self.fields["sandbox"].choices = choices  # type: ignore[attr-defined]
        self.sandboxes = sandboxes


class StepForm(forms.Form):
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Why, for the history and the audit trail."),
    )
