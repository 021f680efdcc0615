from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from controlplane.catalog import services
from controlplane.catalog.models import Installation, Release, Template
from controlplane.core.admin import (
    ReadOnlyInline,
    ReadOnlyTenantModelAdmin,
    SharedModelAdmin,
    actor_of,
)
from controlplane.core.errors import DomainError


class ReleaseInline(ReadOnlyInline):
    model = Release
    fields = ["version", "workflow_hash", "released_at"]


@admin.register(Template)
class TemplateAdmin(SharedModelAdmin):
    """Releases are made from workflow-templates/ by `manage.py load_templates`."""

    list_display = ["title", "slug", "summary"]
    search_fields = ["title", "slug"]
    readonly_fields = ["slug", "title", "summary"]
    inlines = [ReleaseInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Installation)
class InstallationAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["template_title", "release_version", "state", "workflow_name", "installed_at"]
    list_filter = ["status", "template_slug"]
    search_fields = ["template_title", "workflow_name", "workflow_id"]
    exclude = ["workflow_seen"]
    actions = ["deploy_again", "uninstall"]

    @display(
        description=_("Status"),
        label={"active": "success", "failed": "danger", "removed": "info", "deploying": "warning"},
    )
    def state(self, installation: Installation) -> tuple[str, str]:
        return installation.status, installation.get_status_display()

    @action(description=_("Deploy again (goes on where it failed)"))
    def deploy_again(self, request: HttpRequest, queryset: QuerySet[Installation]) -> None:
        for installation in queryset:
            services.retry(installation_id=installation.pk, by=actor_of(request))

    @action(description=_("Uninstall: remove workflow, credential and key"))
    def uninstall(self, request: HttpRequest, queryset: QuerySet[Installation]) -> None:
        for installation in queryset:
            try:
                services.uninstall(installation_id=installation.pk, by=actor_of(request))
            except DomainError as error:
                messages.error(request, f"{installation}: {error.detail}")
