from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = _("Partners and tenants")

    def ready(self) -> None:
        from controlplane.core.admin_trail import keep_trail
        from tenants.trail import AuditTrail

        keep_trail(AuditTrail())
