from django.contrib import admin

from controlplane.approvals.models import Approval, Vote, Waiter
from controlplane.core.admin import ReadOnlyInline, ReadOnlyTenantModelAdmin


class VoteInline(ReadOnlyInline):
    model = Vote
    fields = ["member_label", "decision", "comment", "voted_at"]


class WaiterInline(ReadOnlyInline):
    model = Waiter
    fields = ["execution_id", "status", "attempts", "resumed_at", "last_error"]


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyTenantModelAdmin):
    """Decisions are made in the portal by members; here they can be looked at."""

    list_display = ["title", "status", "requested_at", "expires_at", "decided_by"]
    list_filter = ["status", "subject_type"]
    search_fields = ["title", "decided_by"]
    inlines = [VoteInline, WaiterInline]
