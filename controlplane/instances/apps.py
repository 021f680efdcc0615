from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InstancesConfig(AppConfig):
    name = "controlplane.instances"
    verbose_name = _("n8n instances")

    def ready(self) -> None:
        from controlplane.instances import fleet_column, residency, retention, services
        from tenants import fleet_page, provisioning
        from tenants.residency import register_check

        retention.register()
        register_check(residency.bound_elsewhere)
        provisioning.register_step("n8n workspace", services.bind_to_own_instance)
        fleet_page.register_column(fleet_column.COLUMN)
