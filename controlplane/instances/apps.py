from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InstancesConfig(AppConfig):
    name = "controlplane.instances"
    verbose_name = _("n8n instances")

    def ready(self) -> None:
        from controlplane.instances import services
        from tenants import provisioning

        provisioning.register_step("n8n workspace", services.bind_to_own_instance)
