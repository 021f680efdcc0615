from django.contrib import admin

from controlplane.audit.models import Entry
from controlplane.core.admin import ReadOnlyTenantModelAdmin


@admin.register(Entry)
class EntryAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["sequence", "at", "action", "subject_type", "subject_id", "actor_label"]
    list_filter = ["action", "actor_kind"]
    search_fields = ["subject_id", "actor_label", "action"]
