"""The JSON door. Each view says which tenant it enters; the schema enters none."""

from django.urls import include, path, register_converter
from django.urls.converters import StringConverter
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from controlplane.api import (
    approvals,
    audit,
    choices,
    connections,
    gallery,
    installations,
    invoices,
    knowledge,
    problems,
    releases,
    rollouts,
    subscriptions,
    tickets,
    upgrades,
)
from controlplane.api.operations import operation_urls
from tenants.doors import Door, enters

by_key = enters(Door.KEY)
by_member = enters(Door.KEY_OR_MEMBER)


class Anything(StringConverter):
    """With line breaks, which `path` leaves out."""

    regex = r"[\s\S]+"


register_converter(Anything, "anything")

urlpatterns = [
    path("v1/operations/", include(operation_urls())),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path("v1/whoami", by_key(subscriptions.Whoami.as_view())),
    path("v1/subscriptions", by_key(subscriptions.Subscriptions.as_view())),
    path(
        "v1/subscriptions/<uuid:subscription_id>",
        by_key(subscriptions.SubscriptionDetail.as_view()),
    ),
    path("v1/deliveries/<uuid:delivery_id>/claim", by_key(subscriptions.Claim.as_view())),
    path("v1/approvals", by_member(approvals.Approvals.as_view())),
    path("v1/approvals/<uuid:approval_id>", by_member(approvals.ApprovalDetail.as_view())),
    path("v1/approvals/<uuid:approval_id>/decision", by_member(approvals.Decision.as_view())),
    path("v1/approvals/<uuid:approval_id>/comments", by_member(approvals.Comments.as_view())),
    path("v1/approvals/<uuid:approval_id>/attachments", by_member(approvals.Attachments.as_view())),
    path(
        "v1/approvals/<uuid:approval_id>/attachments/<uuid:attachment_id>",
        by_member(approvals.AttachmentContent.as_view()),
    ),
    path("v1/audit", by_member(audit.Entries.as_view())),
    path("v1/choices/<slug:name>", by_key(choices.Choices.as_view())),
    path("v1/connections", by_member(connections.Connections.as_view())),
    path("v1/connections/kinds", by_member(connections.Kinds.as_view())),
    path(
        "v1/connections/<uuid:connection_id>",
        by_member(connections.ConnectionDetail.as_view()),
    ),
    path("v1/templates", by_member(installations.Templates.as_view())),
    path("v1/templates/<slug:template>", by_member(installations.TemplateDetail.as_view())),
    path("v1/installations", by_member(installations.Installations.as_view())),
    path(
        "v1/installations/<uuid:installation_id>",
        by_member(installations.InstallationDetail.as_view()),
    ),
    path(
        "v1/installations/<uuid:installation_id>/upgrade",
        by_member(upgrades.UpgradePlan.as_view()),
    ),
    path(
        "v1/installations/<uuid:installation_id>/upgrades",
        by_member(upgrades.Upgrades.as_view()),
    ),
    path(
        "v1/installations/<uuid:installation_id>/upgrades/<uuid:upgrade_id>",
        by_member(upgrades.UpgradeDetail.as_view()),
    ),
    path(
        "v1/installations/<uuid:installation_id>/upgrades/<uuid:upgrade_id>/retry",
        by_member(upgrades.UpgradeRetry.as_view()),
    ),
    path(
        "v1/installations/<uuid:installation_id>/versions",
        by_member(upgrades.Snapshots.as_view()),
    ),
    path(
        "v1/installations/<uuid:installation_id>/versions/<uuid:snapshot_id>/restore",
        by_member(upgrades.Restore.as_view()),
    ),
    path("v1/releases", by_member(releases.OwnReleases.as_view())),
    path("v1/releases/<uuid:release_id>", by_member(releases.OwnReleaseDetail.as_view())),
    path("v1/releases/<uuid:release_id>/trials", by_member(releases.Trials.as_view())),
    path("v1/releases/<uuid:release_id>/steps", by_member(releases.ReleaseSteps.as_view())),
    path("v1/rollouts", by_member(rollouts.Rollouts.as_view())),
    path("v1/rollouts/<uuid:rollout_id>", by_member(rollouts.RolloutDetail.as_view())),
    path("v1/rollouts/<uuid:rollout_id>/places", by_member(rollouts.Places.as_view())),
    path("v1/rollouts/<uuid:rollout_id>/steps", by_member(rollouts.Steps.as_view())),
    path("v1/invoices", by_member(invoices.Invoices.as_view())),
    path("v1/invoices/<uuid:invoice_id>", by_member(invoices.InvoiceDetail.as_view())),
    path("v1/purchase-orders", by_member(invoices.PurchaseOrders.as_view())),
    path("v1/goods-receipts", by_member(invoices.GoodsReceipts.as_view())),
    path("v1/tickets", by_member(tickets.Tickets.as_view())),
    path("v1/tickets/<uuid:ticket_id>", by_member(tickets.TicketDetail.as_view())),
    path("v1/knowledge/collections", by_member(knowledge.Collections.as_view())),
    path("v1/knowledge/documents", by_member(knowledge.Documents.as_view())),
    path(
        "v1/knowledge/documents/<uuid:document_id>",
        by_member(knowledge.DocumentDetail.as_view()),
    ),
    path(
        "v1/knowledge/documents/<uuid:document_id>/versions",
        by_member(knowledge.Versions.as_view()),
    ),
    path(
        "v1/knowledge/documents/<uuid:document_id>/approve",
        by_member(knowledge.Approve.as_view()),
    ),
    path(
        "v1/knowledge/documents/<uuid:document_id>/retire",
        by_member(knowledge.Retire.as_view()),
    ),
    # n8n's editor adds these to N8N_TEMPLATES_HOST, which ends with /api/gallery.
    path("gallery/health", gallery.health),
    path("gallery/templates/categories", gallery.categories),
    path("gallery/templates/collections", gallery.collections),
    path("gallery/templates/search", gallery.search),
    path("gallery/templates/workflows/<int:number>", gallery.template),
    path("gallery/workflows/templates/<int:number>", gallery.importable),
    path("v<anything:rest>", problems.nothing_here),
]
