"""Tenants that left: read only, since what counts is signed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from controlplane.core.admin import SharedModelAdmin
from tenants.models import Departure


@admin.register(Departure)
class DepartureAdmin(SharedModelAdmin):
    list_display = ["name", "slug", "left_at", "remove_after", "state"]
    search_fields = ["name", "slug"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(
        description=_("State"),
        label={"leaving": "warning", "removed": "info", "returned": "success"},
    )
    def state(self, departure: Departure) -> tuple[str, Any]:
        if departure.removed_at:
            return "removed", _("Removed")
        if departure.returned_at:
            return "returned", _("Taken back")
        if not departure.export_sha256:
            return "leaving", _("Leaving: its archive is being written")
        return "leaving", _("Leaving")
