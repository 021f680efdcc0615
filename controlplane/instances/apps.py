from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InstancesConfig(AppConfig):
    name = "controlplane.instances"
    verbose_name = _("n8n instances")

    def ready(self) -> None:
        from controlplane.instances import services
        from tenants import provisioning
        from tenants.backup.export import register_collector
        from tenants.backup.restore import register_after_restore
        from tenants.backup.shared import leave_out

        provisioning.register_step("n8n workspace", services.bind_to_own_instance)
        register_collector("n8n", services.collect_workflows)
        register_after_restore("n8n workspace", services.find_workspace_again)
        leave_out("instances.Instance", "a server belongs to the installation that reaches it")
