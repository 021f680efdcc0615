"""Routes with their steps, groups and delegations, as managers and members write them."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.approvals.models import Group, Route
from controlplane.approvals.terms import MOST_STEPS, Step, Terms
from tenants.context import current_tenant
from tenants.members import Person, people_of
from tenants.models import Member, Ownership

ROLES = [(Member.Role.APPROVER, Member.Role.APPROVER.label),
         (Member.Role.MANAGER, Member.Role.MANAGER.label)]  # fmt: skip
ORDERS = [
    ("ladder", _("A ladder: the next step is asked when time is up")),
    ("chain", _("A chain: each step has to agree, one after the other")),
]
OUTCOMES = [("expired", _("expired")), ("rejected", _("rejected")), ("approved", _("approved"))]


def _boxes(label: Any, choices: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "options"}),
    )


class RouteForm(forms.Form):
    """To what a route applies, and what all of its steps have in common."""

    name = forms.CharField(label=_("Name"), max_length=80)
    subject_type = forms.CharField(
        label=_("What it is about"),
        help_text=_("Such as order, invoice or ticket. Empty: anything."),
        required=False,
        max_length=40,
    )
    reasons = forms.CharField(
        label=_("Codes of reasons"),
        help_text=_("One of them has to be among the reasons. With commas; empty: any."),
        required=False,
        max_length=400,
    )
    currency = forms.CharField(
        label=_("Currency"),
        help_text=_("Amounts in other currencies do not fit; no rate is guessed."),
        required=False,
        max_length=3,
    )
    amount_from = forms.DecimalField(
        label=_("Amount from"), required=False, max_digits=20, decimal_places=4, min_value=0
    )
    amount_below = forms.DecimalField(
        label=_("Amount below"), required=False, max_digits=20, decimal_places=4, min_value=0
    )
    order = forms.ChoiceField(label=_("Its steps are"), choices=ORDERS)
    rejections = forms.IntegerField(
        label=_("Rejections that end it"), initial=1, min_value=1, max_value=20
    )
    expires_in_hours = forms.IntegerField(
        label=_("Ends after hours"),
        help_text=_("Empty: as the workflow asks."),
        required=False,
        min_value=1,
        max_value=8760,
    )
    on_expiry = forms.ChoiceField(label=_("Then it counts as"), choices=OUTCOMES)
    remind_hours = forms.IntegerField(
        label=_("Hours before, people are reminded"),
        help_text=_("Before the time of a step is up. 0: nobody is reminded."),
        initial=4,
        min_value=0,
        max_value=720,
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def clean_reasons(self) -> list[str]:
        return [code.strip() for code in self.cleaned_data["reasons"].split(",") if code.strip()]


class StepForm(forms.Form):
    """Whom a step asks. The lists add up; none chosen: everybody who may decide approvals."""

    name = forms.CharField(label=_("Name"), required=False, max_length=60)
    roles = _boxes(_("Roles in the own company"), ROLES)
    partner_roles = _boxes(_("Roles in a partner"), ROLES)
    areas = _boxes(_("Partners who own"), Ownership.Area.choices)
    groups = _boxes(_("Groups"), [])
    quorum = forms.IntegerField(
        label=_("How many have to agree"), required=False, min_value=1, max_value=20
    )
    organisations = forms.IntegerField(
        label=_("Of how many organisations"), initial=1, required=False, min_value=1, max_value=20
    )
    hours = forms.IntegerField(
        label=_("Hours until the next step"), required=False, min_value=1, max_value=8760
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["groups"].choices = list(Group.objects.values_list("slug", "name"))

    @property
    def is_used(self) -> bool:
        """A step without a number of people is none."""
        return bool(self.cleaned_data.get("quorum"))

    @property
    def terms(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {**given, "organisations": given["organisations"] or 1}


def step_forms(data: Any, terms: Terms | None) -> list[StepForm]:
    """As many as there may be; those that are left empty are no steps."""
    steps = terms.steps if terms else (Step(),)
    return [
        StepForm(
            data,
            prefix=f"step-{number}",
            initial=steps[number].model_dump() if number < len(steps) else {},
        )
        for number in range(MOST_STEPS)
    ]


def route_initial(route: Route) -> dict[str, Any]:
    terms = route.rules
    return {
        "name": route.name,
        "subject_type": route.subject_type,
        "reasons": ", ".join(route.reasons),
        "currency": route.currency,
        "amount_from": route.amount_from,
        "amount_below": route.amount_below,
        "is_active": route.is_active,
        **terms.model_dump(exclude={"steps"}),
    }


class GroupForm(forms.Form):
    """Who decides together; the short name is what routes call it by."""

    name = forms.CharField(label=_("Name"), max_length=80)
    slug = forms.SlugField(
        label=_("Short name"),
        help_text=_("Small letters, digits and hyphens. It stays as it is."),
        max_length=40,
    )
    description = forms.CharField(label=_("What it is for"), required=False, max_length=300)
    members = _boxes(_("Members"), [])

    def __init__(self, *args: Any, group: Group | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["members"].choices = [(person.id, _with_house(person)) for person in _people()]
        if group is not None:
            del self.fields["slug"]

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).lower().replace("_", "-")


class DelegationForm(forms.Form):
    """To whom, and from which day to which, both included, in the member's zone."""

    to = forms.ChoiceField(label=_("Who stands in for you"))
    starts_on = forms.DateField(
        label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    ends_on = forms.DateField(
        label=_("Up to and with"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    reason = forms.CharField(label=_("Why"), required=False, max_length=200)

    def __init__(self, *args: Any, but: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [
            ("", "–"),
            *((each.id, _with_house(each)) for each in _people() if each.id != but),
        ]

    @property
    def times(self) -> dict[str, datetime]:
        """From the beginning of the first day to the end of the last one."""
        given, zone = self.cleaned_data, timezone.get_current_timezone()
        return {
            "starts_at": datetime.combine(given["starts_on"], time.min, zone),
            "ends_at": datetime.combine(given["ends_on"], time.max, zone),
        }


def _people() -> list[Person]:
    return sorted(people_of(current_tenant()).values(), key=lambda person: person.name)


def _with_house(person: Person) -> str:
    houses = ", ".join(seat.organisation_label for seat in person.seats)
    return f"{person.name} ({houses})"
