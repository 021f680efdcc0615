from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "controlplane.orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from controlplane.approvals.subjects import register_subject
        from controlplane.orders import (
            contexts,
            copied,
            customers,
            default_policy,
            retention,
            samples,
            subjects,
        )
        from controlplane.policies.customers import contribute
        from controlplane.policies.services import SEEDED_TABLES
        from tenants.environments.services import register_sample
        from tenants.provisioning import register_seed

        contexts.register()
        contribute("orders", customers.known_of)
        retention.register()
        copied.declare_all()
        register_sample("orders", samples.add_sample_orders)
        register_subject("order", subjects.describe_order)
        register_seed(
            "order policy",
            default_policy.seed_order_policy,
            tables=SEEDED_TABLES,
            contents=lambda: default_policy.RULES,
        )
