from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "controlplane.orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from controlplane.approvals.subjects import register_subject
        from controlplane.orders import contexts, default_policy, subjects
        from tenants.provisioning import register_step

        contexts.register()
        register_subject("order", subjects.describe_order)
        register_step("order policy", default_policy.seed_order_policy)
