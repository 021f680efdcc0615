from typing import Any
from zoneinfo import available_timezones

from babel.core import get_global
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.models import Member, Tenant

# Only of these are names still given out; `US/Eastern` and its like are kept for old software.
AREAS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe",
    "Indian", "Pacific",
)  # fmt: skip


def _canonical_zones() -> set[str]:
    """Without the names that another one has replaced, such as Asia/Calcutta."""
    named = {zone for zone in available_timezones() if zone.partition("/")[0] in AREAS}
    return named - get_global("zone_aliases").keys() | {"UTC"}


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """Language and time zone of one membership; empty means the workspace's."""

    language = forms.ChoiceField(label=_("Language"), required=False)
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_("All times in this portal and in its mails are shown in it."),
        required=False,
    )

    class Meta:
        model = Member
        fields = ["language", "time_zone"]

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = dict(settings.LANGUAGES)
        as_tenant = _("As the workspace: %(value)s")
        language = known.get(tenant.language, tenant.language)
        self.fields["language"].choices = [
            ("", as_tenant % {"value": language}),
            *settings.LANGUAGES,
        ]
        zones = _canonical_zones() | {self.instance.time_zone or "UTC"}
        self.fields["time_zone"].choices = [
            ("", as_tenant % {"value": tenant.time_zone}),
            *((zone, zone.replace("_", " ")) for zone in sorted(zones)),
        ]
