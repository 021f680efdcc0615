from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from tenants import grants


class EventsConfig(AppConfig):
    name = "controlplane.events"
    verbose_name = _("Events")

    def ready(self) -> None:
        from controlplane.events import (
            copied,
            delivery,
            dropdowns,
            kinds,
            letters,
            message_kinds,
            outbox,
            places,
            retention,
            shopify_webhooks,
            woocommerce_webhooks,
        )
        from controlplane.events.models import Event
        from tenants import health
        from tenants.backup.restore import register_after_restore
        from tenants.backup.shared import keep_shared
        from tenants.environments.services import register_clearing
        from tenants.leaving import Kind, register_removal

        copied.declare_all()
        register_clearing("outbox", outbox.forget_all)
        shops = (shopify_webhooks.KIND, woocommerce_webhooks.KIND)
        for kind in (*shops, *message_kinds.KINDS, *letters.KINDS):
            kinds.register_kind(kind)
        retention.register()
        dropdowns.register()
        # A tenant may put a message into the shared outbox and read none, not even its own.
        grants.let_tenants(
            "INSERT",
            "events_outboxmessage",
            [
                "id",
                "created_at",
                "updated_at",
                "schema_name",
                "handler",
                "reference",
                "due_at",
                "attempts",
                "claimed_until",
                "failed_at",
                "last_error",
            ],
        )
        grants.keep_to_own_rows("events_outboxmessage", column="schema_name")
        # What was under way may have been done since the backup: a person lets it go on.
        keep_shared(
            "events.OutboxMessage",
            column="schema_name",
            stays_with_original=True,
            held=outbox.held_after_restore,
        )
        register_after_restore("queued deliveries", places.hold_restored)
        register_removal(Kind("outbox messages", outbox.count_of, outbox.drop_of))
        outbox.register("events.deliver", delivery.deliver, given_up=delivery.give_up)
        newest = Event.objects.order_by("-received_at").values_list("received_at", flat=True)
        health.contribute("last_event_at", newest.first)
