from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline

from controlplane.approvals.models import Approval, Vote, Waiter
from controlplane.core.admin import ReadOnlyTenantModelAdmin


class _Shown(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class VoteInline(_Shown):
    model = Vote
    fields = ["member_label", "decision", "comment", "voted_at"]


class WaiterInline(_Shown):
    model = Waiter
    fields = ["execution_id", "status", "attempts", "resumed_at", "last_error"]


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyTenantModelAdmin):
    """Decisions are made in the portal by members; here they can be looked at."""

    list_display = ["title", "status", "requested_at", "expires_at", "decided_by"]
    list_filter = ["status", "subject_type"]
    search_fields = ["title", "decided_by"]
    inlines = [VoteInline, WaiterInline]
