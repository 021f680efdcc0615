"""Asking for a decision, making it, letting it expire. An ended approval never changes."""

from controlplane.approvals.electorate import DECIDE
from controlplane.approvals.services.clock import advance_due, expire_overdue
from controlplane.approvals.services.deciding import (
    AlreadyVoted,
    ApprovalChanged,
    ApprovalNotReady,
    NotADecider,
    RequesterDecides,
    answer,
    decide,
)
from controlplane.approvals.services.ending import AlreadyEnded, end_approval, record_step
from controlplane.approvals.services.lookup import (
    ApprovalUnknown,
    blocked_by,
    get_approval,
    latest_for,
)
from controlplane.approvals.services.requesting import (
    note_causer,
    note_causers,
    request_approval,
    shown_of,
    start_over,
)

__all__ = [
    "DECIDE",
    "AlreadyEnded",
    "AlreadyVoted",
    "ApprovalChanged",
    "ApprovalNotReady",
    "ApprovalUnknown",
    "NotADecider",
    "RequesterDecides",
    "advance_due",
    "answer",
    "blocked_by",
    "decide",
    "end_approval",
    "expire_overdue",
    "get_approval",
    "latest_for",
    "note_causer",
    "note_causers",
    "record_step",
    "request_approval",
    "shown_of",
    "start_over",
]
