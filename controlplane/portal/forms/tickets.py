"""A ticket that a member enters, and what a person says it is about."""

import re
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from controlplane.portal.templatetags.support import intent, language
from controlplane.support.models import Ticket, TriageExample, Urgency
from controlplane.support.queues import INTENTS
from controlplane.support.triage.language import OFFERED

OTHER = "+"
"""Of the intents: one that is not in the list, and is written beside it."""


class TicketForm(forms.Form):
    requester_email = forms.EmailField(
        label=_("The customer's e-mail address"),
        help_text=_("The reply goes there."),
        max_length=254,
    )
    requester_name = forms.CharField(label=_("The customer's name"), required=False, max_length=200)
    subject = forms.CharField(label=_("Subject"), max_length=300)
    body = forms.CharField(
        label=_("What the customer says"),
        help_text=_("In the customer's own words: sorting and answering go by them."),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 9}),
    )


class CorrectionForm(forms.Form):
    """What triage should have said. Starts with what it did say."""

    intent = forms.ChoiceField(label=_("It is about"), choices=())
    new_intent = forms.CharField(
        label=_("Something that is not in the list"),
        help_text=_("In one to three words. It is in the list from then on."),
        required=False,
        max_length=60,
    )
    urgency = forms.ChoiceField(label=_("Urgency"), choices=Urgency)
    language = forms.ChoiceField(label=_("Language"), choices=())

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "intent": ticket.intent,
            "urgency": ticket.urgency or Urgency.NORMAL,
            "language": ticket.language,
        }
        super().__init__(*args, **kwargs)
        choices = {
            "intent": [*_intents(ticket), (OTHER, gettext("Something else, named below"))],
            "language": sorted(((code, language(code)) for code in OFFERED), key=lambda c: c[1]),
        }
        for name, given in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = given

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        new = data.pop("new_intent", "")
        if data.get("intent") != OTHER:
            return data
        name = re.sub(r"[^a-z0-9]+", "_", slugify(new)).strip("_")[:60]
        if not name or not name[0].isalpha():
            self.add_error("new_intent", _("Name it, beginning with a Latin letter."))
        data["intent"] = name
        return data


def _intents(ticket: Ticket) -> list[tuple[str, str]]:
    """Those that Pergola comes with, and those of the tenant's own examples."""
    own = TriageExample.objects.order_by().values_list("intent", flat=True).distinct()
    names = {*INTENTS, *own} | ({ticket.intent} if ticket.intent else set())
    return sorted(((name, intent(name)) for name in names), key=lambda choice: choice[1])
