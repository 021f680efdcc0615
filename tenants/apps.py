from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = _("Partners and tenants")

    def ready(self) -> None:
        from controlplane.audit.checkpoints import name_chains
        from controlplane.core.admin_trail import keep_trail
        from tenants import audit_measures, fleet_page
        from tenants.environments.rules import Never, declare
        from tenants.limits import fleet_column as limits_column
        from tenants.limits import use
        from tenants.provisioning import fleet_column as setup_column
        from tenants.retention.chain import ChainStore
        from tenants.retention.classes import DataClass, register_class
        from tenants.trail import AuditTrail, chain_name

        # The audit stands below this floor, so it is declared here.
        register_class(
            DataClass(
                "audit",
                _("Audit trail"),
                _("Who did what and when. A chain: what is left of it verifies still."),
                [ChainStore()],
            )
        )
        keep_trail(AuditTrail())
        audit_measures.feed()
        use.feed()
        name_chains(chain_name)
        fleet_page.register_column(setup_column.COLUMN)
        fleet_page.register_column(limits_column.COLUMN)

        # The audit stands below this floor.
        declare("audit.Entry", Never("each environment has a chain of its own"))
        declare("audit.Checkpoint", Never("each environment has a chain of its own"))
        declare("vault.DataKey", Never("each environment has keys of its own"))
