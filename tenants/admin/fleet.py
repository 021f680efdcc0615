"""Runs of `migrate_fleet`, to look at: what was migrated, and what is left to mend."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from controlplane.core.admin import ReadOnlySharedModelAdmin
from tenants.models import FleetResult, FleetRun


@admin.register(FleetRun)
class FleetRunAdmin(ReadOnlySharedModelAdmin):
    list_display = ["started_at", "state", "release", "total", "done", "failed", "skipped"]
    list_filter = ["release"]
    search_fields = ["release", "results__tenant__name", "results__tenant__slug", "results__error"]
    search_help_text = _("Release, a tenant that was migrated, or what an error said")
    fields = [*list_display, "finished_at", "fingerprint"]

    @display(
        description=_("State"),
        label={"done": "success", "running": "info", "failed": "danger"},
    )
    def state(self, run: FleetRun) -> tuple[str, Any]:
        if run.failed:
            return "failed", _("Some failed")
        return ("done", _("Done")) if run.finished_at else ("running", _("Running or ended early"))


@admin.register(FleetResult)
class FleetResultAdmin(ReadOnlySharedModelAdmin):
    list_display = ["tenant", "outcome", "seconds", "error", "run"]
    list_filter = [("error", admin.EmptyFieldListFilter), "run__release"]
    list_select_related = ["tenant", "run"]
    search_fields = ["tenant__name", "tenant__slug", "error"]
    fields = ["run", "tenant", "seconds", "error"]
    show_full_result_count = False

    @display(description=_("Outcome"), label={"done": "success", "failed": "danger"})
    def outcome(self, result: FleetResult) -> tuple[str, Any]:
        return ("failed", _("Failed")) if result.error else ("done", _("Migrated"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[FleetResult]:
        return super().get_queryset(request).order_by("-run__started_at", "-created_at")
