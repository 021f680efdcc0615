"""The editor of a draft's rules and examples, whether a tenant's or a partner's."""

import json
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from controlplane.core.errors import DomainError
from controlplane.policies import services
from controlplane.policies.models import LayerPolicy, Policy
from controlplane.portal.forms.policies import ExampleFormSet, RuleFormSet, pointed_at


class DraftEditor:
    """One more row and saving send the same form; what was typed stays either way."""

    def __init__(self, request: HttpRequest, policy: Policy | LayerPolicy, *, check_url: str):
        given = request.POST.copy() if request.method == "POST" else None
        more = given.get("more") if given else None
        if given and more in {"rules", "examples"}:
            total = f"{more}-TOTAL_FORMS"
            count = str(given.get(total, ""))
            if count.isdigit():
                given[total] = str(int(count) + 1)
        kwargs = {
            "context": policy.context,
            "check_url": check_url,
            "fields_url": reverse("policies:fields", args=[policy.context]),
        }
        self._rules = RuleFormSet(given, initial=_rules(policy), prefix="rules", form_kwargs=kwargs)
        self._examples = ExampleFormSet(given, initial=_examples(policy), prefix="examples")
        self._note = given.get("note", "") if given else policy.draft_note
        self._is_saved = bool(given) and not more
        self.is_sound = self._is_saved and self._rules.is_valid() and self._examples.is_valid()

    @property
    def failed(self) -> bool:
        return self._is_saved and not self.is_sound

    @property
    def kept(self) -> dict[str, Any]:
        """For `save_draft`."""
        return {
            "rules": _kept(self._rules),
            "examples": _kept(self._examples),
            "note": self._note[:500],
        }

    @property
    def shown(self) -> dict[str, Any]:
        return {
            "rules": self._rules,
            "examples": self._examples,
            "note": self._note,
            "failed": self.failed,
        }


def checked(request: HttpRequest, about: str) -> dict[str, Any]:
    """What is wrong with the rule that is being typed, or what it costs: for `_check.html`."""
    prefix = request.POST.get("prefix", "")
    expression = request.POST.get(f"{prefix}-expression", "").replace("\0", "")
    try:
        cost = services.check_rule(context=about, expression=expression, message="")
    except DomainError as error:
        line, caret = pointed_at(expression, error)
        return {"error": error, "line": line, "caret": caret}
    return {"cost": max(1, round(cost / 1000))}


def _rules(policy: Policy | LayerPolicy) -> list[dict[str, Any]]:
    rows = policy.rules.order_by("position", "code")
    return [{**rule.as_published(), "enabled": rule.enabled} for rule in rows]


def _examples(policy: Policy | LayerPolicy) -> list[dict[str, Any]]:
    rows = policy.examples.order_by("position", "name")
    return [
        {
            "name": row.name,
            "facts": json.dumps(row.facts, ensure_ascii=False, indent=1),
            "verdict": row.verdict,
            "codes": ", ".join(row.codes),
        }
        for row in rows
    ]


def _kept(forms: Any) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in form.cleaned_data.items() if name != "DELETE"}
        for form in forms
        if form.cleaned_data and not form.cleaned_data.get("DELETE")
    ]
