from django.contrib import admin

from controlplane.approvals.models import (
    Approval,
    Attachment,
    Comment,
    Delegation,
    Group,
    GroupMember,
    Route,
    Vote,
    Waiter,
)
from controlplane.core.admin import ReadOnlyInline, ReadOnlyTenantModelAdmin


class VoteInline(ReadOnlyInline):
    model = Vote
    fields = [
        "member_label", "principal_label", "organisation", "decision", "comment", "voted_at",
    ]  # fmt: skip


class WaiterInline(ReadOnlyInline):
    model = Waiter
    fields = ["execution_id", "status", "attempts", "resumed_at", "last_error"]


class CommentInline(ReadOnlyInline):
    model = Comment
    fields = ["author_label", "text", "written_at"]


class AttachmentInline(ReadOnlyInline):
    model = Attachment
    fields = ["filename", "size", "author_label", "attached_at"]


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyTenantModelAdmin):
    """Decisions are made in the portal by members; here they can be looked at."""

    list_display = ["title", "status", "route", "step", "requested_at", "expires_at", "decided_by"]
    list_filter = ["status", "subject_type"]
    search_fields = ["title", "decided_by", "route"]
    inlines = [VoteInline, WaiterInline, CommentInline, AttachmentInline]


@admin.register(Route)
class RouteAdmin(ReadOnlyTenantModelAdmin):
    """The tenant's managers change them in the portal, with the trail that this leaves."""

    list_display = [
        "name", "subject_type", "currency", "amount_from", "amount_below", "is_active",
    ]  # fmt: skip
    list_filter = ["is_active", "subject_type"]
    search_fields = ["name"]


class GroupMemberInline(ReadOnlyInline):
    model = GroupMember
    fields = ["member_label"]


@admin.register(Group)
class GroupAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["name", "slug", "description"]
    search_fields = ["name", "slug"]
    inlines = [GroupMemberInline]


@admin.register(Delegation)
class DelegationAdmin(ReadOnlyTenantModelAdmin):
    list_display = [
        "principal_label", "delegate_label", "starts_at", "ends_at", "revoked_at",
    ]  # fmt: skip
    search_fields = ["principal_label", "delegate_label"]
