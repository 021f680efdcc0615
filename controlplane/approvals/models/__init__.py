"""Approvals with their votes and waiting executions; the rules of a tenant; what is said of one."""

from controlplane.approvals.models.approval import Approval, ApprovalQuerySet, Vote, Waiter
from controlplane.approvals.models.rules import Delegation, Group, GroupMember, Route
from controlplane.approvals.models.thread import Attachment, Comment, MailLink

__all__ = [
    "Approval",
    "ApprovalQuerySet",
    "Attachment",
    "Comment",
    "Delegation",
    "Group",
    "GroupMember",
    "MailLink",
    "Route",
    "Vote",
    "Waiter",
]
