from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from tenants import grants


class PoliciesConfig(AppConfig):
    name = "controlplane.policies"
    verbose_name = _("Policies")

    def ready(self) -> None:
        from controlplane.policies import copied, retention

        copied.declare_all()
        retention.register()
        grants.keep_append_only("policies_policyversion", "policies_decision")
