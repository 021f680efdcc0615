"""What a tenant installed, in the tenant's half of the admin."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from controlplane.catalog import services
from controlplane.catalog.models import Installation
from controlplane.core.admin import ReadOnlyTenantModelAdmin, actor_of
from controlplane.core.errors import DomainError


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
