"""Fields of one name with other choices: without a name of their own OpenAPI numbers them."""

from typing import Any

ENUM_NAMES: dict[str, Any] = {
    "Verdict": ["accept", "hold", "reject"],
    "ReasonVerdict": ["hold", "reject"],
    "ApprovalStatus": ["pending", "approved", "rejected", "expired", "cancelled"],
    "ReadingStatus": ["read", "to_check", "quarantined"],
    "TicketStatus": ["new", "triaged", "waiting", "answered", "handed_over", "closed"],
    "LineVerdict": ["accept", "hold"],
    "RecordedOutcome": ["accepted", "rejected"],
    "InvoiceFormat": "controlplane.invoices.models.Invoice.Format",
    "InvoiceStatus": "controlplane.invoices.models.Invoice.Status",
    "InvoiceChannel": "controlplane.invoices.models.Invoice.Channel",
    "InvoiceOutcome": "controlplane.invoices.models.Invoice.Outcome",
    "OrderStatus": "controlplane.invoices.models.PurchaseOrder.Status",
    "ReceiptKind": "controlplane.invoices.models.GoodsReceipt.Kind",
    "ReceiptKindGiven": ["receipt", "despatch"],
    "ReleaseStatus": "controlplane.catalog.models.Release.Status",
    "CaseRunStatus": "controlplane.catalog.models.CaseRun.Status",
    "RolloutStatus": "controlplane.catalog.models.Rollout.Status",
    "RolloutPlaceStatus": "controlplane.catalog.models.RolloutPlace.Status",
    "SimulationStatus": ["queued", "running", "done", "failed", "cancelled"],
    "RolloutTake": "controlplane.catalog.models.Rollout.Take",
    "DocumentKind": "controlplane.knowledge.models.DocumentVersion.Kind",
}
