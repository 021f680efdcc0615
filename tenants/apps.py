from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = _("Partners and tenants")

    def ready(self) -> None:
        from tenants.environments.rules import Never, declare

        # The audit stands below this floor.
        declare("audit.Entry", Never("each environment has a chain of its own"))
