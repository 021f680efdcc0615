from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from tenants import grants


class PoliciesConfig(AppConfig):
    name = "controlplane.policies"
    verbose_name = _("Policies")

    def ready(self) -> None:
        from controlplane.policies import brought, copied, dropdowns, layers, retention, subjects
        from tenants.backup.shared import leave_out

        brought.register()
        subjects.register()
        copied.declare_all()
        retention.register()
        layers.register()
        leave_out("policies.LayerSimulationPart", "it is of whose rules were tried, in counts")
        dropdowns.register()
        grants.keep_append_only(
            "policies_policyversion",
            "policies_versionstep",
            "policies_boundversion",
            "policies_decision",
            "policies_decisionentry",
        )
