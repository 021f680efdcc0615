"""Beginning a rollout, as a partner's manager is asked."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from controlplane.catalog.models import Rollout
from controlplane.catalog.rollouts import asking
from tenants.models import Partner


class RolloutForm(forms.Form):
    """For whom it is, is only asked of somebody who works for several partners."""

    release = forms.ChoiceField(label=gettext_lazy("Release"))
    shares = forms.CharField(
        label=gettext_lazy("Rings"),
        initial="10, 100",
        max_length=60,
        help_text=gettext_lazy(
            "Percentages of the workspaces, rising to 100; sandboxes come before all of them."
        ),
    )
    watch_minutes = forms.IntegerField(
        label=gettext_lazy("Minutes to watch each ring"),
        initial=30,
        min_value=0,
        max_value=asking.LONGEST_WATCH_MINUTES,
        help_text=gettext_lazy(
            "Failed runs, new exceptions and slow runs in this time take it back by themselves."
        ),
    )
    least_runs = forms.IntegerField(
        label=gettext_lazy("Runs that a ring has to show"),
        initial=1,
        min_value=0,
        max_value=asking.MOST_RUNS,
    )
    take = forms.ChoiceField(
        label=gettext_lazy("Where customer and release changed the same"),
        choices=Rollout.Take.choices,
        required=False,
    )
    note = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, owners: Sequence[Partner], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owners = {str(partner.pk): partner for partner in owners}
        fields: dict[str, Any] = self.fields
        fields["release"].choices = [(str(one.pk), str(one)) for one in asking.releases_for(owners)]
        if len(owners) > 1:
            fields["partner"] = forms.ChoiceField(
                label=gettext_lazy("Whose customers"),
                choices=[(key, partner.name) for key, partner in self._owners.items()],
            )

    def clean_shares(self) -> list[int]:
        text: str = self.cleaned_data["shares"]
        parts = [part for part in re.split(r"[\s,;%]+", text) if part]
        if not parts or not all(part.isascii() and part.isdigit() for part in parts):
            raise ValidationError(_("Give percentages, such as 10, 100."))
        return [int(part[:4]) for part in parts]

    @property
    def given(self) -> dict[str, Any]:
        """For `rollouts.asking.begin`."""
        data = dict(self.cleaned_data)
        key = data.pop("partner", next(iter(self._owners)))
        release = data.pop("release")
        return {**data, "release_id": release, "partner": self._owners[key]}
