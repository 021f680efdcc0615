from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "controlplane.api"
    verbose_name = "API"

    def ready(self) -> None:
        from controlplane.api import (
            connections,
            installations,
            invoices,
            knowledge,
            measures,
            openapi,  # noqa: F401  (registers its extensions)
            subscriptions,
            tickets,
        )
        from tenants.keys import offer_scopes

        measures.feed_gauges()
        offer_scopes(invoices.SUBMIT, invoices.READ, invoices.PROCUREMENT)
        offer_scopes(connections.READ, connections.MANAGE)
        offer_scopes(installations.READ, installations.WRITE)
        offer_scopes(knowledge.READ, knowledge.WRITE)
        offer_scopes(tickets.READ, tickets.SUBMIT, subscriptions.SCOPE)
