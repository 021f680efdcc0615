"""Connections to read. They are set up in the portal; secrets are shown nowhere."""

from django.contrib import admin

from controlplane.connections.models import Connection
from controlplane.core.admin import ReadOnlyTenantModelAdmin


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["name", "kind", "base_url", "status", "last_checked_at", "last_used_at"]
    list_filter = ["kind", "status", "is_active"]
    search_fields = ["name", "base_url"]
    exclude = ["secrets"]
