"""Fields for a language and a time zone."""

from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from controlplane.core.admin import SharedModelAdmin


class ChoosesLanguageAndZone(SharedModelAdmin):
    """Both are stored as text and chosen from what there is."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        unset = [("", "–")] if db_field.blank else []
        if db_field.name == "language":
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=[*unset, *settings.LANGUAGES])
        if db_field.name == "time_zone":
            zones = [(name, name) for name in sorted(available_timezones())]
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=[*unset, *zones])
        return super().formfield_for_dbfield(db_field, request, **kwargs)
