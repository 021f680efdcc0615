from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from tenants import grants


class EventsConfig(AppConfig):
    name = "controlplane.events"
    verbose_name = _("Events")

    def ready(self) -> None:
        from controlplane.events import delivery, kinds, outbox, shopify_webhooks

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
        outbox.register("events.deliver", delivery.deliver, given_up=delivery.give_up)
