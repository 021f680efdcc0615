from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InstancesConfig(AppConfig):
    name = "controlplane.instances"
    verbose_name = _("n8n instances")

    def ready(self) -> None:
        from controlplane.instances import fleet_column, removal, residency, retention, services
        from tenants import fleet_page, provisioning
        from tenants.backup.export import register_collector
        from tenants.backup.restore import register_after_restore
        from tenants.backup.shared import leave_out
        from tenants.environments import rules
        from tenants.environments.services import register_clearing
        from tenants.leaving import register_removal
        from tenants.residency import register_check

        register_removal(*removal.KINDS)
        retention.register()
        register_check(residency.bound_elsewhere)
        provisioning.register_step(services.STEP, services.bind_to_own_instance)
        fleet_page.register_column(fleet_column.COLUMN)
        register_collector("n8n", services.collect_workflows)
        register_after_restore("n8n workspace", services.find_workspace_again)
        register_clearing("n8n workspace", services.leave_instance)
        rules.declare("instances.Workspace", rules.Never("each environment has its own"))
        leave_out("instances.Instance", "a server belongs to the installation that reaches it")
