"""Simulations of rules for many in the platform's admin: figures that follow the run, and a table.

Counts only: what a tenant's decisions were about, the platform does not see.
"""

import uuid
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from controlplane.core.admin import ReadOnlyInline, ReadOnlySharedModelAdmin
from controlplane.policies.models import LayerSimulation, LayerSimulationPart

MOST_BARS = 20


class LayerSimulationPartInline(ReadOnlyInline):
    model = LayerSimulationPart
    fields = ["tenant", "status", "done", "flips", "share", "threshold", "approvals", "spared"]
    readonly_fields = fields
    verbose_name_plural = _("tenants")
    per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[LayerSimulationPart]:
        found: QuerySet[LayerSimulationPart] = super().get_queryset(request)
        return found.select_related("tenant").order_by("-flips", "tenant__name")

    @admin.display(description=_("Share of flips"))
    def share(self, part: LayerSimulationPart) -> str:
        return f"{part.percent} %"


@admin.register(LayerSimulation)
class LayerSimulationAdmin(ReadOnlySharedModelAdmin):
    inlines = [LayerSimulationPartInline]
    list_display = ["created_at", "policy", "version", "state", "asked_by", "finished_at"]
    list_filter = ["status", "policy"]
    list_select_related = ["policy", "version__policy"]
    fields = ["policy", "version", "since", "asked_by", "finished_at"]
    readonly_fields = fields
    change_form_before_template = "policies/admin/simulation.html"

    @display(
        description=_("Status"),
        ordering="status",
        label={"done": "success", "running": "info", "failed": "danger"},
    )
    def state(self, run: LayerSimulation) -> tuple[str, str]:
        return run.status, run.get_status_display()

    def get_urls(self) -> list[URLPattern]:
        state = path(
            "<uuid:run_id>/state/",
            self.own_page(self._state, reads=True),
            name="policies_layersimulation_state",
        )
        return [state, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        shown = {**(extra_context or {}), **(_shown(run) if run else {})}
        answer: HttpResponse = super().change_view(request, object_id, form_url, shown)
        return answer

    def _state(self, request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
        """The part of the page that changes; a small script asks for it."""
        run = self.get_object(request, str(run_id))
        if run is None:
            raise Http404
        return TemplateResponse(request, "policies/admin/_simulation.html", _shown(run))


def _shown(run: LayerSimulation) -> dict[str, Any]:
    parts = list(run.parts.select_related("tenant"))
    widest = sorted(parts, key=lambda part: (-part.percent, str(part.tenant)))[:MOST_BARS]
    most = max([*(part.percent for part in widest), Decimal(1)])
    through = sum(part.status not in {"queued", "running"} for part in parts)
    figures = {
        "tenants": len(parts),
        "through": through,
        "percent_done": 100 * through // len(parts) if parts else 100,
        "judged": sum(part.done for part in parts),
        "flips": sum(part.flips for part in parts),
        "approvals": sum(part.approvals for part in parts),
        "spared": sum(part.spared for part in parts),
        "over": sum(part.is_over for part in parts),
        "bars": [(part, int(100 * part.percent / most)) for part in widest if part.flips],
    }
    return {"run": run, "figures": figures}
