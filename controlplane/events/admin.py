"""Sources, events and the outbox. Secrets are set up in the portal and shown nowhere here."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from controlplane.core.admin import (
    ReadOnlyInline,
    ReadOnlyTenantModelAdmin,
    SharedModelAdmin,
    TenantModelAdmin,
    actor_of,
)
from controlplane.core.errors import DomainError
from controlplane.events import outbox, sources
from controlplane.events.kinds import INTERNAL
from controlplane.events.models import (
    Delivery,
    Event,
    ExceptionCase,
    ExceptionNote,
    OutboxMessage,
    Source,
)


@admin.register(Source)
class SourceAdmin(TenantModelAdmin):
    """Set up in the portal; renamed, switched and removed here as well."""

    list_display = ["name", "slug", "kind", "is_active", "removed_at", "created_at"]
    list_filter = ["kind", "is_active"]
    search_fields = ["name", "slug"]
    fields = ["name", "slug", "kind", "options", "is_ordered", "is_active", "removed_at"]
    readonly_fields = ["slug", "kind", "options", "is_ordered", "is_active", "removed_at"]
    actions = ["switch_on", "switch_off", "remove"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_fixed = obj is not None and (obj.removed_at is not None or obj.kind == INTERNAL)
        return not is_fixed and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        sources.rename_source(source=obj, name=obj.name, by=actor_of(request))

    @action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self._each(
            request, queryset, partial(sources.switch_source, is_active=True, by=actor_of(request))
        )

    @action(description=_("Switch off: what is sent is refused"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self._each(
            request, queryset, partial(sources.switch_source, is_active=False, by=actor_of(request))
        )

    @action(
        description=_("Remove for good, with its secrets; its events stay"), permissions=["change"]
    )
    def remove(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self._each(request, queryset, partial(sources.remove_source, by=actor_of(request)))

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Source], act: Callable[..., object]
    ) -> None:
        done = 0
        for source in queryset:
            try:
                act(source=source)
            except DomainError as error:
                messages.error(request, error.detail)
            else:
                done += 1
        if done:
            text = ngettext("Done with %d source.", "Done with %d sources.", done)
            messages.success(request, text % done)


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
