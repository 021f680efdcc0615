"""A partner's rules: whose they are, and what is said at the steps that a tenant's own lack."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from controlplane.portal.forms.policies import NoteForm, PolicyForm
from tenants.models import Partner


class PartnerPolicyForm(PolicyForm):
    """Whose rules they are is only asked of somebody who works for several."""

    def __init__(self, *args: Any, owners: Sequence[Partner], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owners = {str(partner.pk): partner for partner in owners}
        if len(owners) > 1:
            self.fields["partner"] = forms.ChoiceField(
                label=gettext_lazy("Whose rules"),
                choices=[(key, partner.name) for key, partner in self._owners.items()],
            )

    @property
    def given(self) -> dict[str, Any]:
        """For `create_partner_layer`."""
        data = dict(self.cleaned_data)
        key = data.pop("partner", next(iter(self._owners)))
        return {**data, "partner": self._owners[key]}


class PublishForm(NoteForm):
    alone = forms.BooleanField(
        label=gettext_lazy("Nobody else can read it: publish it without a second person"),
        required=False,
    )
