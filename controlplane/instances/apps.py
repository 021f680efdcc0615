from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InstancesConfig(AppConfig):
    name = "controlplane.instances"
    verbose_name = _("n8n instances")

    def ready(self) -> None:
        from controlplane.instances import removal, services
        from tenants import provisioning
        from tenants.leaving import register_removal

        register_removal(*removal.KINDS)
        provisioning.register_step("n8n workspace", services.bind_to_own_instance)
