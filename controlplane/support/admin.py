"""Tickets to look at, and the examples that triage learns from, to keep in order."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from controlplane.core.admin import ReadOnlyTenantModelAdmin, TenantModelAdmin, actor_of
from controlplane.support import services
from controlplane.support.models import Ticket, TriageExample, TriageModel


@admin.register(Ticket)
class TicketAdmin(ReadOnlyTenantModelAdmin):
    list_display = [
        "number", "subject", "received_at", "status", "intent", "urgency", "language", "queue",
    ]  # fmt: skip
    list_filter = ["status", "urgency", "language", "channel", "intent", "mail"]
    search_fields = ["number", "subject", "requester_name", "requester_email", "=external_id"]
    date_hierarchy = "received_at"


@admin.register(TriageExample)
class TriageExampleAdmin(TenantModelAdmin):
    """Changed here, they are learned at the next training."""

    list_display = ["text", "intent", "urgency", "language", "origin"]
    list_filter = ["origin", "language", "urgency", "intent"]
    search_fields = ["text", "intent"]
    fields = ["text", "intent", "urgency", "language", "origin"]
    readonly_fields = ["origin"]

    def save_model(self, request: HttpRequest, obj: TriageExample, form: Any, change: bool) -> None:
        services.keep_example(example=obj, by=actor_of(request))

    def delete_model(self, request: HttpRequest, obj: TriageExample) -> None:
        services.delete_example(example=obj, by=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for example in queryset:
            services.delete_example(example=example, by=actor_of(request))


@admin.register(TriageModel)
class TriageModelAdmin(ReadOnlyTenantModelAdmin):
    list_display = [
        "number", "trained_at", "examples", "corrections", "accuracy", "ece", "threshold",
        "features", "seconds",
    ]  # fmt: skip
