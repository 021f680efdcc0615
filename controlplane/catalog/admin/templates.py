"""Templates and releases, in the platform's half of the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from controlplane.catalog import releases
from controlplane.catalog.changes import changes_since
from controlplane.catalog.models import CaseRun, Release, Template
from controlplane.catalog.proof import proof_of
from controlplane.core.admin import (
    ReadOnlyInline,
    ReadOnlySharedModelAdmin,
    SharedModelAdmin,
    actor_of,
)
from controlplane.core.errors import DomainError


class ReleaseInline(ReadOnlyInline):
    model = Release
    fields = ["version", "status", "author", "workflow_hash", "released_at"]
    readonly_fields = fields
    show_change_link = True


@admin.register(Template)
class TemplateAdmin(SharedModelAdmin):
    """Made from workflow-templates/ by `manage.py load_templates`, or by importing a workflow."""

    list_display = ["title", "slug", "owner", "summary"]
    list_filter = [("owner", AutocompleteSelectFilter)]
    list_filter_submit = True
    list_select_related = ["owner"]
    search_fields = ["title", "slug"]
    readonly_fields = ["slug", "title", "summary", "owner"]
    inlines = [ReleaseInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StepForm(forms.ModelForm):  # type: ignore[type-arg]
    """The next step of a release. Where its cases never ran it goes live for a reason only; where
    they failed, not at all.
    """

    step = forms.ChoiceField(
        label=_("Next step"),
        required=False,
        choices=[("", _("None")), ("live", _("Take it live")), ("deprecated", _("Deprecate it"))],
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("Needed where its cases have not run: the audit trail tells it."),
    )

    class Meta:
        model = Release
        fields = ["step", "reason"]

    def clean(self) -> dict[str, Any]:
        """The step itself, so that what refuses it stands at the form."""
        data: dict[str, Any] = super().clean() or {}
        step, reason = data.get("step"), data.get("reason", "")
        try:
            if step == "live":
                with transaction.atomic():
                    releases.go_live(
                        release_id=self.instance.pk, note=reason, despite_cases=True, by=self.by
                    )
            elif step == "deprecated":
                releases.deprecate(release_id=self.instance.pk, note=reason, by=self.by)
        except DomainError as error:
            at_reason = any(fault.field == "note" for fault in error.errors)
            self.add_error("reason" if at_reason else "step", error.detail)
        return data

    by: Any = None


class CaseRunInline(ReadOnlyInline):
    model = CaseRun
    fields = ["ran_at", "status", "passed", "failed", "n8n_version", "sandbox", "ran_by"]
    readonly_fields = fields


@admin.register(Release)
class ReleaseAdmin(SharedModelAdmin):
    form = StepForm
    fields = [
        "template", "version", "status", "author", "notes", "workflow_hash", "history", "changed",
        "tested", "step", "reason",
    ]  # fmt: skip
    readonly_fields = [
        "template", "version", "status", "author", "notes", "workflow_hash", "history", "changed",
        "tested",
    ]  # fmt: skip
    list_display = ["__str__", "owner", "state", "author", "released_at"]
    list_filter = ["status", "template__owner"]
    list_select_related = ["template__owner"]
    search_fields = ["template__title", "template__slug", "version", "workflow_hash"]
    inlines = [CaseRunInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        found: QuerySet[Release] = super().get_queryset(request)
        if request.resolver_match and str(request.resolver_match.url_name).endswith("_changelist"):
            return found.defer("workflow", "manifest", "cases", "case_files", "findings", "readme")
        return found

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        return type("StepForm", (form,), {"by": actor_of(request)})

    @display(description=_("Owner"))
    def owner(self, release: Release) -> str:
        return str(release.template.owner or "Pergola")

    @display(
        description=_("Status"),
        label={"live": "success", "draft": "warning", "deprecated": "info"},
    )
    def state(self, release: Release) -> tuple[str, str]:
        return release.status, release.get_status_display()

    @display(description=_("Steps"))
    def history(self, release: Release) -> str:
        return format_html_join(
            "", "<p>{} · {} · {} {}</p>",
            ((s["status"], s["by"], s["at"][:16].replace("T", " "), s["note"]) for s in
             release.steps),
        )  # fmt: skip

    @display(description=_("Changes"))
    def changed(self, release: Release) -> str:
        told = changes_since(release.before, release)
        return format_html_join("", "<p>{}</p>", ((line,) for line in told)) or "–"

    @display(description=_("Cases"))
    def tested(self, release: Release) -> str:
        return proof_of(release).told or gettext("They passed for it as it is now.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Its step was taken while the form was checked."""
        obj.refresh_from_db()


@admin.register(CaseRun)
class CaseRunAdmin(ReadOnlySharedModelAdmin):
    list_display = ["release", "passed", "failed", "n8n_version", "ran_at", "ran_by"]
    list_select_related = ["release__template"]
    search_fields = ["release__template__title", "release__version"]
