"""Rollouts in the platform's admin: begun by a form, followed on a page that renews itself."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from controlplane.catalog.models import Release, Rollout, RolloutPlace
from controlplane.catalog.rollouts import asking
from controlplane.catalog.rollouts.telling import steps_of, told
from controlplane.core.admin import ReadOnlySharedModelAdmin, SharedModelAdmin, actor_of
from controlplane.core.errors import DomainError

TONES = {
    "planning": "info", "running": "info", "watching": "info", "paused": "warning",
    "returning": "warning", "returned": "danger", "done": "success", "ended": "warning",
}  # fmt: skip


class RolloutForm(forms.ModelForm):  # type: ignore[type-arg]
    """What begins it; who has checked it is the service, whose words stand at the fields."""

    class Meta:
        model = Rollout
        fields = [
            "release", "partner", "shares", "take", "watch_minutes", "watch_at_most_minutes",
            "least_runs", "most_failed_upgrades", "most_failed_runs", "most_with_exceptions",
            "most_slower", "tries_cases", "at_once", "per_minute", "note",
        ]  # fmt: skip

        labels = {
            "shares": _("Rings"),
            "watch_minutes": _("Minutes to watch"),
            "watch_at_most_minutes": _("Minutes at most"),
            "least_runs": _("Runs to be seen"),
            "most_failed_upgrades": _("Failed upgrades, %"),
            "most_failed_runs": _("Failed runs, %"),
            "most_with_exceptions": _("With a new exception, %"),
            "most_slower": _("Slower by, %"),
            "tries_cases": _("Cases in sandboxes"),
            "at_once": _("At once"),
            "per_minute": _("Begun a minute, at most"),
            "note": _("Why"),
        }
        help_texts = {
            "partner": _("Only tenants whose automation it runs. Empty: all."),
            "shares": _("Percentages of production, rising to 100; sandboxes come before."),
            "watch_at_most_minutes": _("Where too few runs are seen by then, it pauses and asks."),
            "most_failed_runs": _("And more than before the upgrade."),
            "most_slower": _("The 95th percentile; 100 is twice as long."),
            "tries_cases": _("Run the template's own cases in each sandbox."),
        }
        widgets = {
            "shares": UnfoldAdminTextInputWidget,
            "note": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        }

    by: Any = None
    begun: Rollout | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        live = Release.objects.filter(status=Release.Status.LIVE).select_related("template")
        fields: dict[str, Any] = self.fields
        fields["release"].queryset = live.defer("workflow", "manifest", "cases")
        fields["shares"].initial = ", ".join(map(str, asking.DEFAULT_SHARES))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        settings = {name: value for name, value in data.items() if name != "release"}
        try:
            self.begun = asking.begin(release_id=data["release"].pk, by=self.by, **settings)
        except DomainError as error:
            for fault in error.errors:
                self.add_error(fault.field if fault.field in self.fields else None, fault.message)
            if not error.errors:
                self.add_error(None, error.detail)
        return data


@admin.register(Rollout)
class RolloutAdmin(SharedModelAdmin):
    form = RolloutForm
    list_display = ["__str__", "partner", "state", "progress", "asked_by", "created_at"]
    list_filter = ["status", "template"]
    list_select_related = ["release__template", "partner"]
    search_fields = ["template__title", "template__slug", "release__version", "note"]
    fieldsets = [
        (None, {"fields": ["release", "partner", "shares", "take", "note"]}),
        (
            _("The gate behind each ring"),
            {
                "fields": [
                    ("watch_minutes", "watch_at_most_minutes", "least_runs"),
                    ("most_failed_upgrades", "most_failed_runs"),
                    ("most_with_exceptions", "most_slower"),
                    "tries_cases",
                ]
            },
        ),
        (_("How fast"), {"fields": [("at_once", "per_minute")]}),
    ]

    @display(description=_("Status"), label=TONES)
    def state(self, rollout: Rollout) -> tuple[str, str]:
        return rollout.status, rollout.get_status_display()

    @display(description=_("Ring"))
    def progress(self, rollout: Rollout) -> str:
        return f"{rollout.ring} / {rollout.last_ring}"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        return type("RolloutForm", (form,), {"by": actor_of(request)})

    def save_model(self, request: HttpRequest, obj: Rollout, form: Any, change: bool) -> None:
        """It was begun while the form was checked."""
        obj.pk, obj._state.adding = form.begun.pk, False
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Rollout, *_args: Any) -> HttpResponse:
        return redirect("admin:catalog_rollout_follow", obj.pk)

    def get_urls(self) -> list[Any]:
        own = [
            path(
                f"<uuid:rollout_id>/{route}/",
                self.own_page(view, reads=True),
                name=f"catalog_rollout_{route}",
            )
            for route, view in (("follow", self._follow), ("state", self._state))
        ]
        return own + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponseBase:
        """Nothing of it is edited: it is followed, and taken in hand."""
        rollout = self.get_object(request, object_id)
        if rollout is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return redirect("admin:catalog_rollout_follow", rollout.pk)

    def _follow(self, request: HttpRequest, rollout_id: uuid.UUID) -> HttpResponseBase:
        rollout = get_object_or_404(Rollout, pk=rollout_id)
        if request.method == "POST":
            self._step(request, rollout)
            return redirect(request.path)
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(rollout),
            **_shown(rollout.pk),
        }
        return TemplateResponse(request, "catalog/admin/rollout.html", shown)

    def _step(self, request: HttpRequest, rollout: Rollout) -> None:
        if not self.has_change_permission(request, rollout):
            raise PermissionDenied
        take = asking.STEPS.get(request.POST.get("step", ""))
        if take is None:
            return messages.error(request, _("Choose what is to be done."))
        why = request.POST.get("why", "")[:500]
        try:
            take(rollout_id=rollout.pk, why=why, by=actor_of(request))
        except DomainError as error:
            messages.error(request, error.detail)

    def _state(self, request: HttpRequest, rollout_id: uuid.UUID) -> HttpResponse:
        """The part of the page that changes; a small script asks for it."""
        get_object_or_404(Rollout, pk=rollout_id)
        return TemplateResponse(request, "catalog/admin/_rollout.html", _shown(rollout_id))


@admin.register(RolloutPlace)
class RolloutPlaceAdmin(ReadOnlySharedModelAdmin):
    """The installations of all rollouts: where one stands, and why."""

    list_display = ["tenant", "rollout", "ring", "state", "from_version", "conflicts", "error"]
    list_filter = ["status", "ring"]
    list_select_related = ["tenant", "rollout__release__template"]
    search_fields = ["tenant__name", "tenant__slug", "error"]

    @display(
        description=_("Status"),
        label={"done": "success", "failed": "danger", "held": "warning", "returned": "info"},
    )
    def state(self, place: RolloutPlace) -> tuple[str, str]:
        return place.status, place.get_status_display()


def _shown(rollout_id: uuid.UUID) -> dict[str, Any]:
    rollout = asking.get_rollout(rollout_id)
    return {"rollout": rollout, "rings": told(rollout_id), "steps": steps_of(rollout)}
