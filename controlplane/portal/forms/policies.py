"""Rules and examples as people write them, and what they say at each step of a version."""

import json
from datetime import datetime
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.forms import formset_factory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from controlplane.core.errors import DomainError
from controlplane.policies.contexts import PARAMETERS, context_names
from controlplane.policies.grammar import LONGEST_RULE, RuleInvalid
from controlplane.policies.models.policies import VERDICTS, code_is_a_name
from controlplane.policies.services import check_rule
from controlplane.policies.tenant_facts import SETTINGS

MOST_FORMS = 200
MOST_FACTS = 100_000


class PolicyForm(forms.Form):
    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)
    slug = forms.CharField(
        label=gettext_lazy("Short name"),
        help_text=gettext_lazy("For workflows and reports: order-limits. It stays as it is."),
        max_length=60,
        validators=[
            RegexValidator(
                r"^[a-z0-9][a-z0-9-]*$",
                gettext_lazy("Use lower-case letters, digits and hyphens: order-limits."),
            )
        ],
    )
    context = forms.ChoiceField(label=gettext_lazy("What the rules are about"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["context"].choices = [(name, name) for name in context_names()]


class RuleForm(forms.Form):
    code = forms.CharField(label=gettext_lazy("Code"), max_length=60, validators=[code_is_a_name])
    verdict = forms.ChoiceField(label=gettext_lazy("Then"), choices=VERDICTS[1:])
    expression = forms.CharField(
        label=gettext_lazy("If"),
        max_length=LONGEST_RULE,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono rule"}),
    )
    message = forms.CharField(label=gettext_lazy("What people read"), max_length=300)
    enabled = forms.BooleanField(label=gettext_lazy("Counts"), required=False, initial=True)

    fault: DomainError | None = None

    def __init__(self, *args: Any, context: str, check_url: str, fields_url: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._context = context
        self.fields["expression"].widget.attrs |= {
            "hx-post": check_url,
            "hx-trigger": "input changed delay:500ms",
            "hx-target": f"#{self.prefix}-check",
            "hx-vals": json.dumps({"prefix": self.prefix}),
            "data-completes": fields_url,
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if {"expression", "message"} <= data.keys():
            try:
                check_rule(
                    context=self._context, expression=data["expression"], message=data["message"]
                )
            except DomainError as error:
                self.fault = error
                field = error.errors[0].field if error.errors else "expression"
                self.add_error(field if field in self.fields else "expression", error.detail)
        return data


class ExampleForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    facts = forms.CharField(
        label=gettext_lazy("What is known"),
        help_text=gettext_lazy(
            "As JSON, only what matters; the rest is as in the context’s sample."
        ),
        max_length=MOST_FACTS,
        initial="{}",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
    )
    verdict = forms.ChoiceField(label=gettext_lazy("Must come out as"), choices=VERDICTS)
    codes = forms.CharField(
        label=gettext_lazy("With just these codes"),
        help_text=gettext_lazy("Separated by commas; empty: any."),
        required=False,
        max_length=1000,
    )

    def clean_facts(self) -> dict[str, Any]:
        try:
            facts = json.loads(self.cleaned_data["facts"])
        except (ValueError, RecursionError) as error:
            place = (
                f"{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            )
            raise forms.ValidationError(
                _("This is no JSON. See line and column %(place)s."), params={"place": place}
            ) from error
        if not isinstance(facts, dict):
            raise forms.ValidationError(_("Write an object: {…}."))
        for name in (PARAMETERS, SETTINGS):
            if not isinstance(facts.get(name, {}), dict):
                raise forms.ValidationError(
                    _("“%(name)s” is an object of names and values."), params={"name": name}
                )
        return facts

    def clean_codes(self) -> list[str]:
        found = [code.strip() for code in self.cleaned_data["codes"].split(",")]
        return sorted({code for code in found if code})


RuleFormSet = formset_factory(
    RuleForm, extra=1, can_delete=True, absolute_max=MOST_FORMS, max_num=MOST_FORMS
)
ExampleFormSet = formset_factory(
    ExampleForm, extra=0, can_delete=True, absolute_max=MOST_FORMS, max_num=MOST_FORMS
)


class NoteForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ScheduleForm(NoteForm):
    """Stands on one page with a `NoteForm`, so its fields have ids of their own."""

    at = forms.DateTimeField(
        label=gettext_lazy("When"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "schedule_%s", **kwargs})

    @property
    def due(self) -> datetime:
        found: datetime = self.cleaned_data["at"]
        return found


class SimulateForm(forms.Form):
    days = forms.IntegerField(label=gettext_lazy("Days back"), min_value=1, max_value=3650)


class TermsForm(forms.Form):
    flip_percent = forms.DecimalField(
        label=gettext_lazy("Most flips without a second person, in percent"),
        min_value=0,
        max_value=100,
        decimal_places=2,
    )
    history_days = forms.IntegerField(
        label=gettext_lazy("Of the decisions of the last days"), min_value=1, max_value=3650
    )


class OverrideForm(forms.Form):
    verdict = forms.ChoiceField(label=gettext_lazy("It should have been"), choices=VERDICTS)
    why = forms.CharField(
        label=gettext_lazy("Why"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


def pointed_at(expression: str, error: DomainError) -> tuple[str, str]:
    """The line at fault, and a caret below the character; both empty where it has no place."""
    if not isinstance(error, RuleInvalid) or not error.column:
        return "", ""
    lines = expression.splitlines() or [""]
    line = lines[min(error.line, len(lines)) - 1]
    return line, " " * (error.column - 1) + "^"
