from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from tenants import grants


class EventsConfig(AppConfig):
    name = "controlplane.events"
    verbose_name = _("Events")

    def ready(self) -> None:
        from controlplane.events import copied, delivery, kinds, outbox, shopify_webhooks
        from tenants.backup.shared import keep_shared
        from tenants.environments.services import register_clearing

        copied.declare_all()
        register_clearing("outbox", outbox.forget_all)
        kinds.register_kind(shopify_webhooks.KIND)
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
        # What was under way may have been done since the backup: a person lets it go on.
        keep_shared(
            "events.OutboxMessage",
            column="schema_name",
            stays_with_original=True,
            held=outbox.held_after_restore,
        )
        outbox.register("events.deliver", delivery.deliver, given_up=delivery.give_up)
