"""Sources, events and the outbox. Secrets are set up in the portal and shown nowhere here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from controlplane.core.admin import ReadOnlyInline, ReadOnlyTenantModelAdmin, SharedModelAdmin
from controlplane.events import outbox
from controlplane.events.models import (
    Delivery,
    Event,
    ExceptionCase,
    ExceptionNote,
    OutboxMessage,
    Source,
)


@admin.register(Source)
class SourceAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["name", "slug", "kind", "is_active", "created_at"]
    search_fields = ["name", "slug"]


class DeliveryInline(ReadOnlyInline):
    model = Delivery
    fields = ["subscription", "status", "attempts", "delivered_at", "last_error"]


@admin.register(Event)
class EventAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["subject", "type", "source", "received_at", "duplicates", "execution_id"]
    list_filter = ["type", "source", "is_test"]
    list_select_related = ["source"]
    search_fields = ["subject", "external_id", "execution_id"]
    inlines = [DeliveryInline]


class ExceptionNoteInline(ReadOnlyInline):
    model = ExceptionNote
    fields = ["at", "kind", "by"]


@admin.register(ExceptionCase)
class ExceptionCaseAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["summary", "type", "status", "area", "assignee", "due_at", "opened_at"]
    list_filter = ["type", "status", "area"]
    search_fields = ["summary", "assignee", "execution_id"]
    inlines = [ExceptionNoteInline]


@admin.register(OutboxMessage)
class OutboxMessageAdmin(SharedModelAdmin):
    """What waits to be sent, for every tenant: ids only."""

    list_display = ["handler", "schema_name", "state", "due_at", "attempts", "last_error"]
    list_filter = ["handler"]
    search_fields = ["schema_name", "reference"]
    actions = ["try_again"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @action(description=_("Try again what was given up"))
    def try_again(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        count = outbox.try_again(queryset)
        messages.info(
            request,
            ngettext("%d message is tried again.", "%d messages are tried again.", count) % count,
        )

    @display(description=_("State"), label={"failed": "danger", "waiting": "info"})
    def state(self, message: OutboxMessage) -> tuple[str, Any]:
        return ("failed", _("Given up")) if message.failed_at else ("waiting", _("Waiting"))
